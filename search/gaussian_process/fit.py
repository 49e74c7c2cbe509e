"""The kernel by maximum a posteriori: log marginal likelihood (Rasmussen and Williams 2006, eq. 5.8 and 5.9) plus log priors.

All numbers have log-normal priors. That of the weights is scaled with the number of decisions, so that two random
networks are about as unlike in a large space as in a small one (Hvarfner, Hellsten and Nardi 2024).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize

from search.encoding import Floats
from search.gaussian_process.features import Features
from search.gaussian_process.kernel import CONSTANT, Kernel

UNLIKENESS = 1.5
"""A priori, the weighed distance of two random networks."""
WEIGHT_SPREAD, SIGNAL_SPREAD, NOISE_SPREAD = 1.0, 1.0, 1.5
NOISE = 0.05
"""A priori, the variance between seeds, in units of the robust variance between networks."""
LOWEST, HIGHEST = -9.0, 4.0
"""Bounds of the logarithms, relative to the prior."""


def prior_kernel(features: Features) -> Kernel:
    """The mode of the priors."""
    return Kernel(np.full(features.groups, UNLIKENESS / max(features.span.sum(), 0.5)), 1.0, NOISE)


def fit(features: Features, bits: Floats, targets: Floats, start: Kernel, steps: int) -> Kernel:
    """The kernel after at most ``steps`` steps of L-BFGS from ``start``; ``targets`` has shape (trials,)."""
    prior = _logs(prior_kernel(features))
    spread = np.concatenate([np.full(features.groups, WEIGHT_SPREAD), [SIGNAL_SPREAD, NOISE_SPREAD]])

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, gradient = _likelihood(features, bits, targets, _kernel(logs))
        z = (logs - prior) / spread
        return float(0.5 * z @ z) - value, z / spread - gradient

    found = minimize(
        loss,
        _logs(start),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(prior + LOWEST, prior + HIGHEST, strict=True)),
        options={"maxiter": steps, "maxfun": 2 * steps, "maxcor": 10},
    )
    return _kernel(np.asarray(found.x)) if np.isfinite(found.fun) else start


def _likelihood(features: Features, bits: Floats, targets: Floats, kernel: Kernel) -> tuple[float, Floats]:
    """Log marginal likelihood and its gradient by the logarithms of weights, signal and noise."""
    likeness = kernel.likeness(features, bits, bits)
    covariance = CONSTANT + kernel.signal * likeness
    covariance[np.diag_indices_from(covariance)] += kernel.noise
    try:
        factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return -np.inf, np.zeros(features.groups + 2)
    alpha = cho_solve((factor, True), targets, check_finite=False)
    value = -0.5 * targets @ alpha - np.log(np.diag(factor)).sum() - 0.5 * len(targets) * np.log(2 * np.pi)
    inverse, _ = dpotri(factor, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    outer = np.outer(alpha, alpha) - inverse
    inner = outer * likeness * kernel.signal
    by_bit = bits.T @ inner.sum(axis=1) - np.einsum("ij,ij->j", bits, inner @ bits)
    by_group = np.bincount(features.group, by_bit * features.share, features.groups)
    gradient = np.concatenate(
        [-kernel.weights * by_group, [0.5 * inner.sum(), 0.5 * kernel.noise * np.trace(outer)]]
    )
    return float(value), gradient


def _logs(kernel: Kernel) -> Floats:
    return np.asarray(np.log(np.concatenate([kernel.weights, [kernel.signal, kernel.noise]])))


def _kernel(logs: Floats) -> Kernel:
    values = np.exp(logs)
    return Kernel(values[:-2], float(values[-2]), float(values[-1]))
