"""Elasticities of several families, partially pooled."""

from __future__ import annotations

import numpy as np
import pytest

from search.scaling.families import FamilyPoints, fit_families
from search.scaling.left_out_family import left_out
from space.errors import InputError

TRUE = {"a": (0.20, 0.30, 0.25), "b": (0.24, 0.34, 0.21), "c": (0.16, 0.26, 0.29), "d": (0.22, 0.28, 0.23)}


def grid(*sizes: float) -> np.ndarray:
    return np.array([(d, w, r) for d in sizes for w in sizes for r in sizes])


def families(noise: float = 0.002, short: int = 4) -> FamilyPoints:
    """Four families with the elasticities of TRUE, no curvature, a level each; the last has only ``short`` networks."""
    rng = np.random.default_rng(0)
    rows, errors, names = [], [], []
    for level, (name, elasticities) in enumerate(TRUE.items()):
        multipliers = grid(1.0, 1.5, 2.0)
        if name == "d":
            multipliers = multipliers[:short]
        logs = np.log(0.2 + 0.03 * level) - np.log(multipliers) @ np.array(elasticities)
        rows.append(multipliers)
        errors.append(np.exp(logs + rng.normal(0, noise, len(logs))))
        names += [name] * len(logs)
    return FamilyPoints(np.concatenate(rows), np.concatenate(errors), names, names)


def test_families_with_many_points_keep_their_own_elasticities() -> None:
    fit = fit_families(families())
    for name in "abc":
        assert fit.own[name].mean == pytest.approx(TRUE[name], abs=0.015)
    assert fit.curvature == pytest.approx(np.zeros(3), abs=0.05)
    assert fit.noise == pytest.approx(0.002, rel=0.3)


def test_what_a_family_does_not_show_comes_from_the_others() -> None:
    # The first three networks of d differ in resolution alone: its depth and width are those of the others, and no surer.
    fit = fit_families(families(short=3))
    own, pooled = fit.own["d"], fit.pooled
    assert own.mean[2] == pytest.approx(TRUE["d"][2], abs=0.02)
    assert own.mean[:2] == pytest.approx(pooled.mean[:2], abs=0.01)
    spread, expected = (np.sqrt(np.diag(one.covariance)) for one in (own, pooled))
    assert spread[2] < 0.5 * expected[2] and spread[:2] == pytest.approx(expected[:2], rel=0.1)


def test_the_level_of_a_series_is_its_own() -> None:
    points = families()
    lower = FamilyPoints(
        np.concatenate([points.multipliers, points.multipliers]),
        np.concatenate([points.error, 0.7 * points.error]),
        [*points.family, *points.family],
        [*points.series, *(f"{one}, longer" for one in points.series)],
    )
    for name, one in fit_families(lower).own.items():
        assert one.mean == pytest.approx(fit_families(points).own[name].mean, abs=0.02)


def test_coefficients_follow_the_elasticities_and_the_curvature() -> None:
    multipliers = np.concatenate([grid(0.5, 1.0, 2.0)] * 2)
    z = np.log(multipliers)
    logs = -1.5 - z @ np.array([0.2, 0.4, 0.4]) + z**2 @ np.array([0.1, 0.4, 0.4]) / 2
    fit = fit_families(
        FamilyPoints(multipliers, np.exp(logs), ["x"] * 27 + ["y"] * 27, ["x"] * 27 + ["y"] * 27)
    )
    assert fit.curvature == pytest.approx((0.1, 0.4, 0.4), abs=0.02)
    # In units of log-MACs all three are alike, so the budget is shared evenly.
    found = fit.coefficients(fit.own["x"].mean)
    assert found == pytest.approx((2 ** (1 / 3), 2 ** (1 / 6), 2 ** (1 / 6)), abs=0.05)
    assert found[0] * found[1] ** 2 * found[2] ** 2 == pytest.approx(2)


def test_several_families_predict_another_better_than_one_does() -> None:
    found = left_out(families(), "a")
    assert set(found.single) == {"b", "c", "d"} and found.points == 26
    assert found.pooled < np.mean(list(found.single.values()))


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="points: wanted positive multipliers"):
        FamilyPoints(np.array([[1.0, 0.0, 1.0]]), np.array([0.3]), ["a"], ["a"])
    with pytest.raises(InputError, match="accuracy: wanted fractions between 0 and 1, got 1"):
        FamilyPoints(np.ones((1, 3)), np.array([0.0]), ["a"], ["a"])
    with pytest.raises(InputError, match="two or more networks, got 1"):
        fit_families(FamilyPoints(np.ones((1, 3)), np.array([0.3]), ["a"], ["a"]))
