"""The step line of a front, and the bars of noise around its points."""

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


def test_a_verified_network_has_the_interval_of_its_verification(trials: pd.DataFrame) -> None:
    verified = trials.copy()
    best = View.of(trials).front["number"].iloc[0]
    verified.loc[verified["number"] == best, ["verified_low", "verified_high"]] = [0.6, 0.7]
    view = View.of(verified)
    bars = view.intervals(view.front)
    assert bars[0].tolist() == [60.0, 70.0]  # per cent, the unit of the axis
    assert np.isnan(bars[1:]).all()
    assert np.isnan(View.of(verified, y="loss").intervals(view.front)).all()


def test_a_mean_has_its_standard_error_to_both_sides(trials: pd.DataFrame) -> None:
    repeated = trials.assign(accuracy_mean=trials["accuracy"], accuracy_sem=0.01)
    repeated.loc[0, ["verified_low", "verified_high"]] = [0.2, 0.3]
    view = View.of(repeated)
    assert view.y.column == "accuracy_mean"
    bars = view.intervals(repeated)
    assert bars[0].tolist() == [20.0, 30.0]
    measured = repeated["accuracy"].notna().to_numpy(copy=True)
    measured[0] = False
    middle = repeated["accuracy"].to_numpy()[measured, None] * 100
    np.testing.assert_allclose(bars[measured], middle + np.array([[-1.0, 1.0]]))
