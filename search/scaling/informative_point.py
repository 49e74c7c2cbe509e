"""Which network to train next: the one whose accuracy would tell the most about α, β, γ."""

from __future__ import annotations

import numpy as np

from search.scaling.law_fit import LawFit
from search.scaling.laws import LAWS, Array


def informative_point(fit: LawFit, multipliers: Array, noise: float) -> tuple[int, Array]:
    """(index of the network whose accuracy tells the most about α, β, γ, shares of variance it would remove).

    ``multipliers`` are those of the networks to choose from, shape (n, 3); ``noise`` is the standard deviation,
    in points, of one measurement. The shares have shape (n, varied dimensions). Over the bootstrap fits,
    observing y at x removes Cov(θ, y)² / (Var y + noise²) of the variance of each coefficient θ, to first order
    (a linear Gaussian update).
    """
    x = np.log(multipliers[:, list(fit.varied)])
    predicted = np.stack([LAWS[s.law].predict(s.theta, x) for s in fit.samples])  # (samples, n)
    coefficients = np.stack([s.coefficients[list(fit.varied)] for s in fit.samples])  # (samples, k)
    predicted = predicted - predicted.mean(axis=0)
    coefficients = coefficients - coefficients.mean(axis=0)
    covariance = coefficients.T @ predicted / len(predicted)  # (k, n)
    removed = covariance**2 / (predicted.var(axis=0) + noise**2)
    shares = removed / np.maximum(coefficients.var(axis=0), 1e-12)[:, None]
    return int(np.argmax(shares.sum(axis=0))), np.asarray(shares.T, dtype=np.float64)
