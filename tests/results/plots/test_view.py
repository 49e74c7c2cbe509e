"""The step line of a front."""

from __future__ import annotations

import numpy as np
import pandas as pd

from results.plots.view import View


def test_the_staircase_runs_below_and_right_of_the_front(trials: pd.DataFrame) -> None:
    view = View.of(trials)
    stairs = view.staircase()
    assert len(stairs) == 2 * len(view.front) - 1
    assert (np.diff(stairs, axis=0) >= 0).all()  # cheaper is left, better is up
    members = view.points(view.front)
    for x, y in members:
        assert not ((stairs[:, 0] < x) & (stairs[:, 1] > y)).any()
