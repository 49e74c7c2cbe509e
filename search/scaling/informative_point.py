"""Which network to train next: the one whose measurement would tell the most about α, β, γ, for what it costs."""

from __future__ import annotations

import numpy as np

from search.scaling.law_fit import LawFit
from search.scaling.laws import LAWS, Array
from search.scaling.loss_fit import LossFit
from search.scaling.loss_optimum import best_coefficients


def informative_point(fit: LawFit, multipliers: Array, noise: float) -> tuple[int, Array]:
    """(index of the network whose accuracy tells the most about α, β, γ, shares of variance it would remove).

    ``multipliers`` are those of the networks to choose from, shape (n, 3); ``noise`` is the standard deviation,
    in points, of one measurement. The shares have shape (n, varied dimensions), over the bootstrap fits.
    """
    x = np.log(multipliers[:, list(fit.varied)])
    predicted = np.stack([LAWS[s.law].predict(s.theta, x) for s in fit.samples])  # (samples, n)
    coefficients = np.stack([s.coefficients[list(fit.varied)] for s in fit.samples])  # (samples, k)
    shares = variance_removed(predicted, coefficients, np.full(len(x), noise))
    return int(np.argmax(shares.sum(axis=1))), shares


def informative_training(
    fit: LossFit, multipliers: Array, macs: Array, noise: Array, seconds: Array
) -> tuple[int, Array]:
    """(index of the training whose loss tells the most about α, β, γ per second, the variance it would remove).

    ``multipliers`` (n, 3) and exact ``macs`` (n) are those of the networks to choose from, ``noise`` (n) the standard deviations of their losses
    in nats, ``seconds`` (n) what each training is expected to take. Coefficients are those for the longest trainings; the
    shares have shape (n, varied dimensions).
    """
    epochs = fit.budgets[-1].epochs
    x = np.log(np.column_stack([multipliers[:, list(fit.varied)], macs * epochs]))
    coefficients = best_coefficients(fit.law, fit.draws, fit.cost, fit.growth, epochs)
    shares = variance_removed(fit.law.predict(fit.draws, x), coefficients, noise)
    return int(np.argmax(shares.sum(axis=1) / seconds)), shares


def variance_removed(predicted: Array, coefficients: Array, noise: Array) -> Array:
    """The share of each coefficient's variance that each measurement would remove, shape (n, k).

    From ``predicted`` measurements (samples, n) and ``coefficients`` (samples, k) under the same parameters: observing y at x with this
    ``noise`` (n) removes Cov(θ, y)² / (Var y + noise²) of the variance of θ, to first order (a linear Gaussian update: A-optimality,
    each coefficient in units of its own deviation).
    """
    predicted = predicted - predicted.mean(axis=0)
    coefficients = coefficients - coefficients.mean(axis=0)
    covariance = coefficients.T @ predicted / len(predicted)  # (k, n)
    removed = covariance**2 / (predicted.var(axis=0) + noise**2)
    shares = removed / np.maximum(coefficients.var(axis=0), 1e-12)[:, None]
    return np.asarray(shares.T, dtype=np.float64)
