"""The parameters of a loss law that measured losses leave open: the most likely ones, the noise, and draws from the posterior.

Most likely are those of generalised least squares with the noise of seeds and trainings (``search.scaling.variance_components``), in turns, and with the
weak priors as further observations. What a dimension is worth when all is learned and what it costs in training speed can often not be
told apart, only their difference; a normal approximation would be far too wide, so the posterior is drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import least_squares

from search.scaling.ensemble_draws import ensemble_draws
from search.scaling.laws import Array
from search.scaling.loss_law import LossLaw
from search.scaling.loss_points import LossPoints
from search.scaling.variance_components import Noise, estimate_noise

_TURNS = 3
_WALKERS, _STEPS = 240, 500
_KNOWN = 2.0


def most_likely(law: LossLaw, points: LossPoints) -> tuple[Array, Noise]:
    """The parameters and the noise, estimated in turns."""
    x = points.logs
    mean, deviation = law.prior(points.loss)
    spread = float(max(np.ptp(points.loss), 1e-6 * points.loss.mean()))
    noise = Noise(0.05 * spread, 0.0, 0.0)
    theta = mean
    for turn in range(_TURNS):
        whiten = cholesky(noise.covariance(points.runs, points.seed), lower=True)
        theta = _least(law, points.loss, x, whiten, mean, deviation, [theta] if turn else _starts(law, mean))
        slopes = law.slopes(theta, x)
        residual = points.loss - law.predict(theta, x) + slopes @ (theta - mean)
        explained = (slopes * deviation**2) @ slopes.T
        noise = estimate_noise(residual, explained, points.runs, points.seed, spread, noise)
    return theta, noise


def posterior_draws(
    law: LossLaw,
    points: LossPoints,
    theta: Array,
    noise: Noise,
    count: int,
    rng: np.random.Generator,
) -> Array:
    """``count`` parameter vectors from the posterior under this noise."""
    x = points.logs
    mean, deviation = law.prior(points.loss)
    unwhiten = cholesky(noise.covariance(points.runs, points.seed), lower=True)
    whiten = np.linalg.inv(unwhiten)
    white = whiten @ law.slopes(theta, x)
    precision, directions = np.linalg.eigh(white.T @ white + np.diag(1 / deviation**2))
    root = directions / np.sqrt(np.maximum(precision, precision[-1] * 1e-14))

    def log_density(thetas: Array) -> Array:
        misfit = (((law.predict(thetas, x) - points.loss) @ whiten.T) ** 2).sum(axis=1)
        # The size of the noise is known no better than from these points: integrated out, with a prior worth _KNOWN points.
        likely = -(len(x) + _KNOWN) / 2 * np.log(_KNOWN + misfit)
        return np.asarray(likely - (((thetas - mean) / deviation) ** 2).sum(axis=1) / 2, dtype=np.float64)

    # Not quite as far out as the normal approximation has it, so that few walkers begin where nothing is likely.
    first = theta + 0.8 * rng.standard_normal((_WALKERS, law.free)) @ root.T
    kept = -(-count // _WALKERS)
    return ensemble_draws(log_density, first, _STEPS, kept, rng)[:count]


def _starts(law: LossLaw, mean: Array) -> list[Array]:
    """Where the first search for parameters begins: the priors' middle, and where the training term is small or large."""
    starts = [mean.copy() for _ in range(3)]
    starts[1][2 * law.dimensions + 1] -= 1.5
    starts[2][2 * law.dimensions + 1] += 0.7
    return starts


def _least(
    law: LossLaw, loss: Array, x: Array, whiten: Array, mean: Array, deviation: Array, starts: Sequence[Array]
) -> Array:
    """The parameters of least squares, whitened by the lower factor ``whiten``, with the priors as observations."""

    def residuals(theta: Array) -> Array:
        misfit = solve_triangular(whiten, law.predict(theta, x) - loss, lower=True)
        return np.concatenate([misfit, (theta - mean) / deviation])

    def jacobian(theta: Array) -> Array:
        white = solve_triangular(whiten, law.slopes(theta, x), lower=True)
        return np.concatenate([white, np.diag(1 / deviation)])

    # Six deviations are no place for a parameter; the bounds only keep a search that strays.
    bounds = (mean - 6 * deviation, mean + 6 * deviation)
    found = [
        least_squares(residuals, start, jac=jacobian, bounds=bounds, x_scale=deviation, max_nfev=200)
        for start in starts
    ]
    return np.asarray(min(found, key=lambda one: one.cost).x, dtype=np.float64)
