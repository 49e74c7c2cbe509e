"""Accuracy laws: derivatives, limits, and that a law finds its own parameters again."""

from __future__ import annotations

import numpy as np
import pytest

from search.scaling.laws import LAWS, Production

KINDS = ("ces", "separable", "generalized")


def truth(x: np.ndarray) -> np.ndarray:
    """A separable law on log multipliers: 15 points remain, depth saturates first."""
    return 100 - 15 - 3 * np.exp(-4 * x[:, 0]) - 3 * np.exp(-2 * x[:, 1]) - 3 * np.exp(-1.5 * x[:, 2])


def grid(k: int, count: int = 40) -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.5, 1.2, (count, k))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [2, 3])
def test_slopes_are_the_derivatives(kind: str, k: int) -> None:
    law, x = Production(kind), grid(k, 7)
    mean, deviation, lower, upper = law._prior(np.full(7, 70.0), k)
    parameters = np.clip(np.random.default_rng(1).normal(mean, deviation / 2), lower, upper)
    steps = 1e-6 * np.eye(len(parameters))
    numeric = np.stack(
        [(law.predict(parameters + h, x) - law.predict(parameters - h, x)) / 2e-6 for h in steps], axis=1
    )
    assert law._slopes(parameters, x) == pytest.approx(numeric, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", ["separable", "generalized"])
def test_a_law_finds_a_separable_truth(name: str) -> None:
    x = grid(3)
    law = LAWS[name]
    found = law.fit(x, truth(x), 0.05)
    new = np.random.default_rng(9).uniform(-0.5, 1.2, (50, 3))
    assert np.abs(law.predict(found, new) - truth(new)).max() < 0.15
    if name == "separable":
        described = law.describe(found, ("depth", "width", "resolution"))
        assert described["E"] == pytest.approx(15, abs=0.5)
        assert described["rho_depth"] == pytest.approx(4, rel=0.1)


def test_the_quadratic_is_exact_on_a_quadratic() -> None:
    x = grid(2)
    y = 70 + 3 * x[:, 0] + 2 * x[:, 1] - x[:, 0] ** 2 + 0.5 * x[:, 0] * x[:, 1]
    law = LAWS["quadratic"]
    described = law.describe(law.fit(x, y, 0.1), ("width", "resolution"))
    assert described == pytest.approx(
        {
            "c": 70,
            "b_width": 3,
            "b_resolution": 2,
            "c_width_width": -1,
            "c_width_resolution": 0.5,
            "c_resolution_resolution": 0,
        },
        abs=1e-3,
    )


def test_ces_without_substitution_is_the_separable_power_of_one() -> None:
    # At s = ρ the CES law is a sum of power laws with one exponent.
    law, x = LAWS["ces"], grid(2, 5)
    parameters = np.array([np.log(10.0), np.log(20.0), 0.0, np.log(0.7), 0.7])
    expected = 100 - 10 - 20 * (0.5 * np.exp(-0.7 * x[:, 0]) + 0.5 * np.exp(-0.7 * x[:, 1]))
    assert law.predict(parameters, x) == pytest.approx(expected)


def test_ces_passes_through_cobb_douglas() -> None:
    law, x = LAWS["ces"], grid(2, 5)
    near, at = (law.predict(np.array([2.0, 3.0, 0.3, -0.2, rho]), x) for rho in (1e-4, 0.0))
    assert near == pytest.approx(at, abs=1e-3)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_fits_repeat_themselves(name: str) -> None:
    x = grid(3, 12)
    first, second = (LAWS[name].fit(x, truth(x), 0.2) for _ in range(2))
    assert np.array_equal(first, second)
