"""α, β, γ from losses: known laws give their known coefficients, noise gives intervals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from search.scaling.loss_fit import LossFit, fit_loss
from search.scaling.loss_points import CostModel, LossPoints
from space.errors import InputError
from tests.search.scaling.losses import POWERS, made_up, rows_of, star_multipliers

THIRDS = (2 ** (1 / 3), 2 ** (1 / 6), 2 ** (1 / 6))


@pytest.fixture(scope="module")
def lengths() -> LossFit:
    """Depth is slow to train: short trainings want none of it."""
    points = made_up(
        star_multipliers(), epochs=(1, 2, 4, 8), seeds=(0, 1), slow_depth=0.08, noise=0.003, luck=0.02
    )
    return fit_loss(points, draws=240)


def test_a_known_law_gives_its_known_coefficients() -> None:
    fit = fit_loss(made_up(star_multipliers(), noise=0.002), draws=240)
    assert fit.coefficients_at(4) == pytest.approx(THIRDS, abs=0.06)
    for value, pair, truth in zip(fit.coefficients_at(4), fit.budgets[0].intervals, THIRDS, strict=True):
        assert pair is not None and value is not None
        assert pair[0] - 0.01 <= truth <= pair[1] + 0.01 and pair[0] <= value <= pair[1]
    assert fit.cost.powers == pytest.approx(POWERS)
    alpha, beta, gamma = map(float, fit.coefficients_at(4))  # type: ignore[arg-type]
    assert alpha * beta**2 * gamma**2 == pytest.approx(2)


def test_losses_without_noise_have_an_answer_too() -> None:
    fit = fit_loss(made_up(star_multipliers()), draws=240)
    assert fit.coefficients_at(4) == pytest.approx(THIRDS, abs=0.06)
    assert fit.rmse < 0.001


def test_longer_trainings_want_more_depth(lengths: LossFit) -> None:
    alphas = [float(budget.coefficients[0] or 0) for budget in lengths.budgets]
    assert [budget.epochs for budget in lengths.budgets] == [1, 2, 4, 8]
    assert alphas == sorted(alphas) and alphas[0] == pytest.approx(1, abs=0.01) and alphas[-1] > 1.05
    assert lengths.depth_pays is not None
    best, low, high = lengths.depth_pays
    assert low <= best <= high and 1 < best < 8


def test_the_luck_of_a_seed_is_told_from_that_of_a_training(lengths: LossFit) -> None:
    assert lengths.noise.seed > 2 * lengths.noise.single
    assert lengths.trainings == 2 * len(star_multipliers()) and lengths.points == 4 * lengths.trainings


def test_more_seeds_make_narrower_intervals() -> None:
    few, many = (
        fit_loss(made_up(star_multipliers(), seeds=range(n), noise=0.005), draws=240).budgets[0].intervals
        for n in (1, 8)
    )
    wide, narrow = (sum(pair[1] - pair[0] for pair in pairs if pair) for pairs in (few, many))
    assert narrow < 0.75 * wide


def test_the_same_seed_gives_the_same_fit_and_it_is_plain_json(lengths: LossFit) -> None:
    points = made_up(star_multipliers(), noise=0.01)
    first, again, other = (fit_loss(points, draws=240, seed=seed) for seed in (0, 0, 1))
    assert first.budgets == again.budgets != other.budgets
    told = json.loads(json.dumps(lengths.to_dict(), allow_nan=False))
    assert {"alpha", "beta", "gamma", "intervals", "budgets", "depth_pays_from", "noise"} <= told.keys()


def test_two_dimensions_are_enough() -> None:
    table = star_multipliers()
    fit = fit_loss(made_up(table[np.abs(table[:, 0] - table[1, 0]) < 1e-9], noise=0.002), draws=240)
    alpha, beta, gamma = fit.budgets[0].coefficients
    assert alpha is None and beta == pytest.approx(gamma, abs=0.08) and fit.depth_pays is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "x"}, "loss, row 1: wanted a number, got 'x'"),
        ({"loss": 0}, "loss, row 1: wanted a positive number, got 0"),
        ({"macs": float("nan")}, "macs, row 1: wanted a positive number"),
        ({"seed": "one"}, "seed, row 1: wanted a whole number, got 'one'"),
        ({"seed": "1.5"}, "seed, row 1: wanted a whole number"),
    ],
)
def test_rows_are_checked(change: dict[str, object], message: str) -> None:
    rows = rows_of(made_up(star_multipliers()))
    with pytest.raises(InputError, match=message):
        LossPoints.of([{**rows[0], **change}, *rows[1:]])


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="none called loss"):
        LossPoints.of([{"depth": 1, "width": 1, "resolution": 1, "macs": 1, "epochs": 1}])
    with pytest.raises(InputError, match="no row"):
        LossPoints.of([])
    with pytest.raises(InputError, match="7 or more distinct networks, got 5"):
        fit_loss(made_up(star_multipliers()[[0, 1, 2, 8, 13]]))
    with pytest.raises(InputError, match="two or more dimensions that vary"):
        fit_loss(made_up(star_multipliers()[1:7]))
    with pytest.raises(InputError, match="growth: wanted a number above 1"):
        fit_loss(made_up(star_multipliers()), growth=1.0)
    diagonal = np.geomspace(1, 2, 9)[:, None] ** (1, 0.5, 0.5)
    with pytest.raises(InputError, match="each apart from the others"):
        CostModel.of(made_up(diagonal))
