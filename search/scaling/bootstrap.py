"""How far α, β, γ are determined: a parametric bootstrap of the fitted laws.

The laws are fitted again to accuracies redrawn around their predictions. The priors are redrawn too, so a
direction that only a prior determines shows as a wide interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.scaling.cross_validation import FittedLaw
from search.scaling.laws import LAWS, Array
from search.scaling.optimum import coefficients_of, optimum_shares
from search.scaling.points import Points

LEVEL = 0.9
"""The coverage of every interval."""


@dataclass(frozen=True)
class BootstrapFit:
    """One bootstrap fit: its law, parameters, and α, β, γ, shape (3,), NaN where never varied."""

    law: str
    theta: Array
    coefficients: Array


def bootstrap(
    laws: Sequence[FittedLaw], points: Points, growth: float, sigma: float, resamples: int, seed: int
) -> tuple[BootstrapFit, ...]:
    """``resamples`` fits to accuracies redrawn around ``laws``, which are sorted by leave-one-out error.

    Laws take part in proportion to their leave-one-out error to the power −n (pseudo-Bayesian model
    averaging, Geisser & Eddy 1979), so a close rival widens the intervals. The noise is the residuals' root
    mean square, corrected for the number of fitted parameters.
    """
    x, y = points.logs, points.percent
    weights = np.array([(laws[0].loo_rmse / max(fitted.loo_rmse, 1e-9)) ** len(y) for fitted in laws])
    fits = []
    for index in range(resamples):
        rng = np.random.default_rng((seed, index))
        drawn = laws[int(rng.choice(len(laws), p=weights / weights.sum()))]
        law = LAWS[drawn.law]
        spare = max(len(y) - drawn.free, len(y) / 3)
        noise = max(drawn.rmse * float(np.sqrt(len(y) / spare)), 0.02)
        redrawn = np.minimum(law.predict(drawn.theta, x) + rng.normal(0, noise, len(y)), 99.99)
        theta = law.fit(x, redrawn, max(sigma, noise), starts=0, start=drawn.theta, rng=rng)
        coefficients = np.full(3, np.nan)
        shares = optimum_shares(law, theta, points.varied, growth)
        coefficients[list(points.varied)] = coefficients_of(shares, points.varied, growth)
        fits.append(BootstrapFit(law.name, theta, coefficients))
    return tuple(fits)


def intervals(fits: Sequence[BootstrapFit]) -> tuple[tuple[float, float] | None, ...]:
    """The central interval of each coefficient at LEVEL; None where it was never varied, or without fits."""
    if not fits:
        return (None, None, None)
    table = np.stack([fit.coefficients for fit in fits])
    tail = 50 * (1 - LEVEL)
    return tuple(
        None
        if np.isnan(table[0, j])
        else (float(np.percentile(table[:, j], tail)), float(np.percentile(table[:, j], 100 - tail)))
        for j in range(3)
    )
