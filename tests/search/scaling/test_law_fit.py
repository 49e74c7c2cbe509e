"""α, β, γ from published accuracies, and from made-up ones with a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from search.scaling.law_fit import LawFit, fit_law
from search.scaling.points import Points
from space.errors import InputError, UnknownNameError
from tests.search.scaling.published import EFFICIENTNET, mobilenet_v1, points


@pytest.fixture(scope="module")
def efficientnet() -> LawFit:
    return fit_law(points(EFFICIENTNET), resamples=60)


def test_efficientnet_gives_the_papers_coefficients(efficientnet: LawFit) -> None:
    assert np.abs(np.array(efficientnet.coefficients, float) - (1.2, 1.1, 1.15)).max() < 0.1
    assert efficientnet.rmse <= 0.25
    alpha, beta, gamma = map(float, efficientnet.coefficients)  # type: ignore[arg-type]
    assert alpha * beta**2 * gamma**2 == pytest.approx(2, abs=1e-6)
    for value, pair in zip(efficientnet.coefficients, efficientnet.intervals, strict=True):
        assert pair is not None and value is not None and pair[0] <= value <= pair[1]


def test_rounding_and_b0_change_little() -> None:
    rows = [(d, w, 1.3 if r == 291 / 224 else r, round(a, 1)) for d, w, r, a in EFFICIENTNET]
    for changed in (rows, [*EFFICIENTNET, (1, 1, 1, 77.11)]):
        fit = fit_law(points(changed), law="separable", resamples=0)
        assert np.abs(np.array(fit.coefficients, float) - (1.2, 1.1, 1.15)).max() < 0.1
        assert fit.intervals == (None, None, None)


def test_mobilenets_grid_is_predicted() -> None:
    fit = fit_law(mobilenet_v1(), resamples=20)
    assert fit.loo_rmse <= 0.27
    assert fit.coefficients[0] is None
    assert any("depth is never varied: alpha cannot be determined" in line for line in fit.statement)
    assert any("extrapolate" in line for line in fit.statement)
    ces = next(law for law in fit.laws if law.law == "ces")
    assert ces.loo_rmse <= 0.27


def test_laws_are_ordered_by_what_they_predict(efficientnet: LawFit) -> None:
    errors = [law.loo_rmse for law in efficientnet.laws]
    assert errors == sorted(errors)
    assert efficientnet.law == efficientnet.laws[0].law
    printed = efficientnet.to_dict()
    assert {"alpha", "beta", "gamma", "intervals", "parameters", "rmse", "loo_rmse"} <= set(printed)


def test_one_curve_cannot_divide_a_budget(one_curve: LawFit) -> None:
    assert any("almost on one curve" in line for line in one_curve.statement)
    alpha = one_curve.intervals[0]
    assert alpha is not None and alpha[1] - alpha[0] > 0.5


def test_the_same_seed_gives_the_same_intervals() -> None:
    first, second, other = (
        fit_law(points(EFFICIENTNET), law="separable", resamples=10, seed=seed).intervals
        for seed in (0, 0, 1)
    )
    assert first == second != other


def test_replicates_are_left_out_together() -> None:
    rng = np.random.default_rng(0)
    rows = [(d, w, r, a + rng.normal(0, 0.5)) for d, w, r, a in EFFICIENTNET for _ in range(3)]
    fit = fit_law(points(rows), law="separable", resamples=0)
    single = fit_law(points(EFFICIENTNET), law="separable", resamples=0)
    assert fit.loo_rmse > 0.5 * single.loo_rmse


def test_a_known_law_gives_its_known_optimum() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([np.ones((1, 3)), rng.uniform(0.7, 2.5, (39, 3))])
    error = 10 + 5 * x[:, 0] ** -2 + 5 * x[:, 1] ** -4 + 5 * x[:, 2] ** -4
    fit = fit_law(Points(x, 1 - error / 100), law="separable", resamples=0)
    # By symmetry in (log d, 2 log w, 2 log r) the budget is shared evenly.
    assert fit.coefficients == pytest.approx((2 ** (1 / 3), 2 ** (1 / 6), 2 ** (1 / 6)), abs=0.02)


def test_unknown_laws_and_too_few_points_for_one() -> None:
    with pytest.raises(UnknownNameError, match="known: auto, ces"):
        fit_law(points(EFFICIENTNET), law="linear")
    with pytest.raises(InputError, match="11 distinct networks for the quadratic law"):
        fit_law(points(EFFICIENTNET[:8]), law="quadratic")
