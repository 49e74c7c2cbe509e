"""How promising a network is: the noisy expected improvement (Letham, Karrer, Ottoni and Bakshy 2019).

What is to be improved upon is not the best observation, which is a lucky one, but the best true score among the
networks measured, which is not known either: it is drawn from the posterior, jointly for the most promising of them.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.special import ndtr

from search.encoding import Floats, Ints
from search.gaussian_process.posterior import Posterior

DRAWS, INCUMBENTS = 16, 12
"""Draws of the true scores of the INCUMBENTS networks with the highest posterior means."""


def expected_improvement(mean: Floats, deviation: Floats, best: Floats | float) -> Floats:
    """E[max(f − best, 0)] for f normal (Jones, Schonlau and Welch 1998, eq. 15)."""
    z = (mean - best) / deviation
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return np.asarray(deviation * (z * ndtr(z) + density))


def noisy_expected_improvement(posterior: Posterior, rows: Ints, known: Ints, normals: Floats) -> Floats:
    """Mean over draws of the improvement that each of ``rows`` is expected to bring over the best of ``known``.

    ``normals`` of shape (draws, known) are standard normal numbers.
    """
    mean, variance, mean_known, among, cross = posterior.beside(rows, known)
    scale = max(float(np.trace(among)) / len(known), 1e-9)
    factor = cholesky(among + 1e-6 * scale * np.eye(len(known)), lower=True, check_finite=False)
    draws = normals @ factor.T
    gain = cho_solve((factor, True), cross.T, check_finite=False)
    means = mean[:, None] + (draws @ gain).T
    left = np.sqrt(np.maximum(variance - np.einsum("ij,ji->i", cross, gain), 1e-9 * scale))
    best = (mean_known + draws).max(axis=1)
    return np.asarray(expected_improvement(means, left[:, None], best[None, :]).mean(axis=1))
