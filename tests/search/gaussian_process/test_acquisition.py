"""Expected improvement against integration, and against itself where nothing is noisy."""

from __future__ import annotations

import random

import numpy as np
import pytest

from search.encoding import Encoding
from search.gaussian_process.acquisition import expected_improvement, noisy_expected_improvement
from search.gaussian_process.features import Features
from search.gaussian_process.kernel import Kernel
from search.gaussian_process.posterior import Posterior
from tests.search.fakes import FLAT


def test_expected_improvement_equals_the_integral() -> None:
    z = np.linspace(-9, 9, 200_001)
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    for mean, deviation, best in [(0.0, 1.0, 0.0), (0.4, 0.3, 1.0), (2.0, 0.5, 1.0)]:
        gain = np.maximum(mean + deviation * z - best, 0)
        integral = np.trapezoid(gain * density, z)
        found = expected_improvement(np.array([mean]), np.array([deviation]), best)
        assert found[0] == pytest.approx(integral, rel=1e-6)


def test_noisy_expected_improvement_equals_simulation() -> None:
    encoding, rng = Encoding(FLAT), random.Random(0)
    rows = np.array([encoding.row(FLAT.sample(rng)) for _ in range(14)])
    features = Features(encoding)
    kernel = Kernel(np.full(features.groups, 0.4), 1.0, 0.5)
    posterior = Posterior(features, kernel, rows[:10], np.linspace(-1, 1, 10), rows[:0])
    known, asked = rows[6:10], rows[10:]
    normals = np.random.default_rng(0).standard_normal((20_000, 4))
    found = noisy_expected_improvement(posterior, asked, known, normals)
    mean, variance, mean_known, among, cross = posterior.beside(asked, known)
    for i in range(len(asked)):
        joint = np.block([[variance[i : i + 1, None], cross[i : i + 1]], [cross[i : i + 1].T, among]])
        draws = np.random.default_rng(1).multivariate_normal([mean[i], *mean_known], joint, 40_000)
        simulated = np.maximum(draws[:, 0] - draws[:, 1:].max(axis=1), 0).mean()
        assert found[i] == pytest.approx(simulated, abs=0.01)
