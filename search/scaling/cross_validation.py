"""One accuracy law fitted to all points, with the error of its predictions for networks that were left out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from search.scaling.laws import Array, Law
from search.scaling.optimum import optimum
from search.scaling.points import Points

_MOST_FOLDS = 100


@dataclass(frozen=True)
class FittedLaw:
    """A law, its parameters ``theta`` and the coefficients at which it predicts the highest accuracy.

    ``free`` is the number of parameters. ``rmse`` and ``loo_rmse`` are root mean squared errors in points
    (percent), on the points themselves and on networks left out of the fit. ``coefficients`` are α, β, γ, None
    where the dimension was never varied.
    """

    law: str
    free: int
    rmse: float
    loo_rmse: float
    coefficients: tuple[float | None, float | None, float | None]
    theta: Array = field(repr=False)


def cross_validated(law: Law, points: Points, growth: float, sigma: float, starts: int) -> FittedLaw:
    """``law`` fitted to all points, and the errors of fits without each network in turn (all its rows at once).

    Beyond 100 networks several are left out together. ``sigma`` is the noise of one accuracy in points,
    ``starts`` the number of random starts of each fit that leaves points out.
    """
    x, y = points.logs, points.percent
    theta = law.fit(x, y, sigma)
    rmse = float(np.sqrt(np.mean((law.predict(theta, x) - y) ** 2)))
    groups = np.unique(points.multipliers.round(9), axis=0, return_inverse=True)[1].reshape(-1)
    groups %= _MOST_FOLDS
    left_out = np.empty(len(y))
    for group in range(groups.max() + 1):
        out = groups == group
        without = law.fit(x[~out], y[~out], sigma, starts=starts, start=theta)
        left_out[out] = law.predict(without, x[out]) - y[out]
    loo_rmse = float(np.sqrt(np.mean(left_out**2)))
    best = optimum(law, theta, points.varied, growth)
    return FittedLaw(law.name, law.free(x.shape[1]), rmse, loo_rmse, best, theta)
