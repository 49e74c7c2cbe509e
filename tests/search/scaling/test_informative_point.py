"""The network that would tell the most."""

from __future__ import annotations

import numpy as np

from search.scaling.informative_point import informative_point
from search.scaling.law_fit import LawFit


def test_the_most_informative_point_is_off_the_curve_that_is_known(one_curve: LawFit) -> None:
    known, single = (1.4, 1.2, 1.3), (1.0, 1.0, 2.0)
    best, shares = informative_point(one_curve, np.array([known, single]), noise=0.2)
    assert best == 1
    assert shares.shape == (2, 3) and ((shares >= 0) & (shares <= 1)).all()
