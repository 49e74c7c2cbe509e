"""The network that would tell the most."""

from __future__ import annotations

import numpy as np

from search.scaling.informative_point import informative_point, informative_training, variance_removed
from search.scaling.law_fit import LawFit
from search.scaling.loss_fit import fit_loss
from tests.search.scaling.losses import made_up, star_multipliers


def test_the_most_informative_point_is_off_the_curve_that_is_known(one_curve: LawFit) -> None:
    known, single = (1.4, 1.2, 1.3), (1.0, 1.0, 2.0)
    best, shares = informative_point(one_curve, np.array([known, single]), noise=0.2)
    assert best == 1
    assert shares.shape == (2, 3) and ((shares >= 0) & (shares <= 1)).all()


def test_the_variance_removed_is_that_of_a_linear_gaussian_update() -> None:
    rng = np.random.default_rng(0)
    # θ ~ N(0, 1), y = 2θ: after observing y with noise 1, Var θ is 1/(1 + 4).
    theta = rng.standard_normal((200_000, 1))
    shares = variance_removed(2 * theta, theta, np.array([1.0]))
    assert np.abs(shares - (1 - 1 / 5)).max() < 0.01


def test_the_cheaper_of_two_alike_is_trained_and_depth_where_depth_is_unknown() -> None:
    # No network deviates from the centre in depth but the base: α is what is open.
    table = star_multipliers()
    fit = fit_loss(made_up(np.delete(table, slice(3, 7), axis=0), noise=0.01), draws=240)
    macs = 1e6 * np.prod(table ** (1, 2, 2), axis=1)
    ends = [6, 11]  # the ends of the arms of depth and of width, which cost the same
    assert np.isclose(*macs[ends])
    noise = np.full(2, 0.01)
    best, shares = informative_training(fit, table[ends], macs[ends], noise, np.ones(2))
    assert best == 0 and shares.shape == (2, 3)
    same = [6, 6]
    best, _ = informative_training(fit, table[same], macs[same], noise, np.array([2.0, 1.0]))
    assert best == 1
