"""α, β, γ out of published accuracies, the paper's grid, and what few or one-sided points lead to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from search.scaling.coefficients import (
    LawFit,
    fit_law,
    informative_point,
    paper_grid,
)
from search.scaling.points import Points
from space.errors import InputError, UnknownNameError

# Tan & Le 2019 (v5): table 7, then B1–B7 of table 2/8; depth, width, resolution over 224, top-1 in percent.
EFFICIENTNET = [
    *((1, 1, 1, 77.3), (4, 1, 1, 79.0), (1, 2, 1, 78.9), (1, 1, 2, 79.1), (1.4, 1.2, 291 / 224, 81.1)),
    *((1.1, 1.0, 240 / 224, 79.13), (1.2, 1.1, 260 / 224, 80.07), (1.4, 1.2, 300 / 224, 81.59)),
    *((1.8, 1.4, 380 / 224, 82.89), (2.2, 1.6, 456 / 224, 83.6), (2.6, 1.8, 528 / 224, 83.95)),
    (3.1, 2.0, 600 / 224, 84.26),
]
# TF-slim's MobileNetV1 checkpoints: rows are widths 1, 0.75, 0.5, 0.25, columns 224, 192, 160, 128 px.
MOBILENET_V1 = np.array(
    [[70.9, 70.0, 68.0, 65.2], [68.4, 67.2, 65.3, 62.1], [63.3, 61.7, 59.1, 56.3], [49.8, 47.7, 45.5, 41.5]]
)


def points(rows: Sequence[tuple[float, ...]]) -> Points:
    table = np.array(rows, dtype=float)
    return Points(table[:, :3], table[:, 3] / 100)


def mobilenet_v1() -> Points:
    rows = [
        (1.0, width, size / 224, float(MOBILENET_V1[i, j]))
        for i, width in enumerate((1.0, 0.75, 0.5, 0.25))
        for j, size in enumerate((224, 192, 160, 128))
    ]
    return points(rows)


@pytest.fixture(scope="module")
def efficientnet() -> LawFit:
    return fit_law(points(EFFICIENTNET), resamples=60)


@pytest.fixture(scope="module")
def one_curve() -> LawFit:
    """B0–B7 alone: nothing off the compound curve."""
    return fit_law(points([*EFFICIENTNET[5:], (1, 1, 1, 77.11)]), resamples=60)


def test_efficientnet_gives_the_papers_coefficients(efficientnet: LawFit) -> None:
    assert np.abs(np.array(efficientnet.coefficients, float) - (1.2, 1.1, 1.15)).max() < 0.1
    assert efficientnet.rmse <= 0.25
    alpha, beta, gamma = map(float, efficientnet.coefficients)  # type: ignore[arg-type]
    assert alpha * beta**2 * gamma**2 == pytest.approx(2, abs=1e-6)
    for value, pair in zip(efficientnet.coefficients, efficientnet.intervals, strict=True):
        assert pair is not None and value is not None and pair[0] <= value <= pair[1]


def test_the_answer_does_not_hang_on_one_digit_or_on_b0() -> None:
    rows = [(d, w, 1.3 if r == 291 / 224 else r, round(a, 1)) for d, w, r, a in EFFICIENTNET]
    for changed in (rows, [*EFFICIENTNET, (1, 1, 1, 77.11)]):
        fit = fit_law(points(changed), law="separable", resamples=0)
        assert np.abs(np.array(fit.coefficients, float) - (1.2, 1.1, 1.15)).max() < 0.1
        assert fit.intervals == (None, None, None)


def test_mobilenets_grid_is_predicted() -> None:
    fit = fit_law(mobilenet_v1(), resamples=20)
    assert fit.loo_rmse <= 0.27
    assert fit.coefficients[0] is None
    assert any("depth is never varied: alpha cannot be told" in line for line in fit.statement)
    assert any("extrapolate" in line for line in fit.statement)
    ces = next(score for score in fit.scores if score.law == "ces")
    assert ces.loo_rmse <= 0.27


def test_laws_are_ordered_by_what_they_predict(efficientnet: LawFit) -> None:
    errors = [score.loo_rmse for score in efficientnet.scores]
    assert errors == sorted(errors)
    assert efficientnet.law == efficientnet.scores[0].law
    told = efficientnet.to_dict()
    assert {"alpha", "beta", "gamma", "intervals", "parameters", "rmse", "loo_rmse"} <= set(told)


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


def test_the_most_informative_point_is_off_the_curve_that_is_known(one_curve: LawFit) -> None:
    known, single = (1.4, 1.2, 1.3), (1.0, 1.0, 2.0)
    best, shares = informative_point(one_curve, np.array([known, single]), noise=0.2)
    assert best == 1
    assert shares.shape == (2, 3) and ((shares >= 0) & (shares <= 1)).all()


def test_the_papers_grid() -> None:
    grid = paper_grid()
    assert len(grid) == 111
    assert (1.2, 1.1, 1.15) in grid
    assert len(paper_grid(tolerance=0.1 - 1e-6)) == 109
    assert all(abs(a * b**2 * c**2 - 2) <= 0.1 + 1e-9 and min(a, b, c) >= 1 for a, b, c in grid)
    assert not any(c == 1.15 for _, _, c in paper_grid(step=0.1))


FEW = "wanted 7 or more distinct networks.*got 4: 3 missing; none changes several dimensions at once"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (EFFICIENTNET[:4], FEW),
        ([(1, w, 1, 70 + w) for w in (1, 2, 3, 4, 5, 6, 7)], "got width alone: never varied are depth"),
        ([(1, 1, 1, 70)] * 9, "got none"),
    ],
)
def test_points_that_carry_no_law(rows: Sequence[tuple[float, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_law(points(rows))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth,width,resolution,accuracy\n1,1,1,77.3\n", "accuracy, row 1: wanted a fraction in"),
        ("depth,width,resolution,accuracy\n1,1,224,0.7\n", "resolution, row 1: wanted a multiplier"),
        ("depth,width,resolution,accuracy\n1,0,1,0.7\n", "width, row 1: wanted a positive multiplier"),
        ("depth,width,resolution,accuracy\n1,x,1,0.7\n", "width, row 1: wanted a number, got 'x'"),
        ("depth,width,accuracy\n1,1,0.7\n", "got 'none called resolution'"),
        ("", "an empty file"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Points.read(path)


def test_unknown_law_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="known: auto, ces"):
        fit_law(points(EFFICIENTNET), law="linear")
    with pytest.raises(InputError, match="a CSV file that can be read"):
        Points.read(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="11 distinct networks for the quadratic law"):
        fit_law(points(EFFICIENTNET[:8]), law="quadratic")
