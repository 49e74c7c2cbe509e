"""The coefficients α, β, γ at which a fitted law predicts the highest accuracy, at equal MACs.

MACs grow by α·β²·γ² in one step of φ, so a budget is divided among the dimensions in units of log-MACs. The shares
sum to 1, and the best ones are found on a grid that is refined twice.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from search.scaling.laws import Array, Law

GREEK = ("alpha", "beta", "gamma")
EXPONENTS = np.array([1.0, 2.0, 2.0])
"""The power of each multiplier in the MACs of ordinary convolutions (Tan & Le 2019, eq. 3)."""


@lru_cache(maxsize=8)
def simplex(k: int, steps: int) -> Array:
    """All ways to share 1 among ``k`` dimensions in units of 1/steps, shape (m, k)."""
    if k == 2:
        first = np.arange(steps + 1)
        return np.stack([first, steps - first], axis=1) / steps
    grid = [(i, j, steps - i - j) for i in range(steps + 1) for j in range(steps + 1 - i)]
    return np.array(grid) / steps


def log_multipliers(shares: Array, varied: tuple[int, ...], growth: float) -> Array:
    """Log multipliers of the varied dimensions that spend ``growth`` in these shares."""
    return np.asarray(shares * np.log(growth) / EXPONENTS[list(varied)], dtype=np.float64)


def coefficients_of(shares: Array, varied: tuple[int, ...], growth: float) -> Array:
    """The coefficients of the varied dimensions that spend ``growth`` in these shares."""
    return np.asarray(np.exp(log_multipliers(shares, varied, growth)), dtype=np.float64)


def optimum_shares(law: Law, theta: Array, varied: tuple[int, ...], growth: float) -> Array:
    """The shares of the budget (log-MACs) at which the law predicts the highest accuracy, to about 0.001."""
    shares = simplex(len(varied), 40)
    best = shares[int(np.argmax(law.predict(theta, log_multipliers(shares, varied, growth))))]
    offsets = simplex(len(varied), 12) - 1 / len(varied)
    for width in (0.1, 0.02):
        near = best + width * np.concatenate([offsets, -offsets, np.zeros((1, len(varied)))])
        near = near[np.all(near >= -1e-12, axis=1)].clip(0)
        best = near[int(np.argmax(law.predict(theta, log_multipliers(near, varied, growth))))]
    return np.asarray(best, dtype=np.float64)


def optimum(
    law: Law, theta: Array, varied: tuple[int, ...], growth: float
) -> tuple[float | None, float | None, float | None]:
    """α, β, γ at which the law predicts the highest accuracy, with α·β²·γ² = growth; None for dimensions never varied."""
    found = coefficients_of(optimum_shares(law, theta, varied, growth), varied, growth)
    values: list[float | None] = [None, None, None]
    for j, value in zip(varied, found, strict=True):
        values[j] = float(value)
    return values[0], values[1], values[2]
