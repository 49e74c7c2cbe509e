"""The loss law, and the best division of a budget by it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from search.scaling.loss_law import LossLaw
from search.scaling.loss_optimum import best_coefficients, pays_from
from search.scaling.loss_points import CostModel

LAW = LossLaw(np.array([0.1, 0.2, 0.3, 14.0]))
THETA = np.array([-0.3, -2.0, -1.5, -1.8, 0.1, -0.3, 0.2, -1.2, 0.6, 0.3, 0.1, -0.7])
COST = CostModel(13.5, np.array([0.9, 1.8, 1.9]))


def test_predictions_follow_the_formula_and_its_parameters() -> None:
    named = LAW.describe(THETA, ("depth", "width", "resolution"))
    x = np.array([1.5, 0.7, 1.2])
    compute = 3e6
    expected = named["E"] + named["B"] * compute ** -named["c"] * np.prod(
        x ** np.array([named[f"b_{n}"] for n in ("depth", "width", "resolution")])
    )
    for value, name in zip(x, ("depth", "width", "resolution"), strict=True):
        expected += named[f"A_{name}"] * value ** -named[f"a_{name}"]
    found = LAW.predict(THETA, np.log(np.append(x, compute))[None])
    assert found == pytest.approx([expected], rel=1e-9)


def test_slopes_are_the_derivatives() -> None:
    x = np.random.default_rng(0).normal([0, 0, 0, 14], 0.7, (5, 4))
    for row, slopes in zip(x, LAW.slopes(THETA, x), strict=True):
        numeric = approx_fprime(THETA, lambda t, row=row: LAW.predict(t, row[None])[0], 1e-7)
        assert slopes == pytest.approx(numeric, abs=1e-5)


def test_vectors_of_parameters_are_predicted_at_once() -> None:
    x = np.random.default_rng(1).normal([0, 0, 0, 14], 0.7, (4, 4))
    thetas = THETA + np.random.default_rng(2).normal(0, 0.3, (3, len(THETA)))
    each = np.stack([LAW.predict(theta, x) for theta in thetas])
    assert LAW.predict(thetas, x) == pytest.approx(each)


def test_the_best_division_is_that_of_a_general_optimiser() -> None:
    def loss(shares: np.ndarray) -> float:
        z = shares * np.log(2) / COST.powers
        return float(LAW.predict(THETA, np.append(z, COST.level + np.log(2) + np.log(3.0))[None])[0])

    found = minimize(
        loss,
        np.full(3, 1 / 3),
        method="SLSQP",
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda s: s.sum() - 1},
        options={"ftol": 1e-14},
    )
    (best,) = best_coefficients(LAW, THETA[None], COST, 2.0, 3.0)
    assert best == pytest.approx(np.exp(found.x * np.log(2) / COST.powers), abs=0.01)
    assert np.prod(best**COST.powers) == pytest.approx(2)
    assert loss(np.log(best) * COST.powers / np.log(2)) == pytest.approx(found.fun, abs=1e-5)


def test_depth_pays_where_the_best_division_begins_to_deepen() -> None:
    lengths = np.geomspace(0.1, 100, 40)
    (first,) = pays_from(LAW, THETA[None], COST, 2.0, 0, lengths)
    assert lengths[0] < first < lengths[-1]
    before = lengths[lengths < first][-1]
    alphas = [float(best_coefficients(LAW, THETA[None], COST, 2.0, e)[0, 0]) for e in (before, first)]
    assert alphas[0] == pytest.approx(1, abs=0.02) and alphas[1] > alphas[0]
    assert best_coefficients(LAW, THETA[None], COST, 2.0, 100.0)[0, 0] > alphas[1]
