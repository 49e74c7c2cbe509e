"""The Gaussian process against regression written out, and its gradient against finite differences."""

from __future__ import annotations

import random

import numpy as np
import pytest

from search.encoding import Encoding, Floats, Ints
from search.gaussian_process.features import Features
from search.gaussian_process.fit import _likelihood, fit, prior_kernel
from search.gaussian_process.kernel import CONSTANT, Kernel
from search.gaussian_process.posterior import Posterior
from space.search_space import Decision, SearchSpace
from space.spaces import space
from tests.search.fakes import CONDITIONAL

ENCODING = Encoding(CONDITIONAL)
FEATURES = Features(ENCODING)
KERNEL = Kernel(np.linspace(0.2, 1.5, FEATURES.groups), 1.7, 0.1)


def rows_of(searched: SearchSpace, number: int, seed: int = 0) -> Ints:
    encoding, rng = Encoding(searched), random.Random(seed)
    return np.array([encoding.row(searched.sample(rng)) for _ in range(number)])


def covariance(a: Ints, b: Ints) -> float:
    """The kernel from its description: decisions, then those that are ordered numbers."""
    distance = 0.0
    for d in range(len(ENCODING.sizes)):
        apart = 0.0 if a[d] == b[d] else 0.5 if min(a[d], b[d]) < 0 else 1.0
        distance += KERNEL.weights[d] * apart
    for i, d in enumerate((0, 2, 5)):
        steps = abs(max(a[d], 0) - max(b[d], 0)) / (ENCODING.sizes[d] - 1)
        distance += KERNEL.weights[len(ENCODING.sizes) + i] * steps
    return float(CONSTANT + KERNEL.signal * np.exp(-distance))


def test_it_equals_gaussian_process_regression() -> None:
    rows, asked = rows_of(CONDITIONAL, 12), rows_of(CONDITIONAL, 5, seed=1)
    targets = np.linspace(-1, 1, 12)
    known = np.array([[covariance(a, b) for b in rows] for a in rows]) + KERNEL.noise * np.eye(12)
    cross = np.array([[covariance(a, b) for b in rows] for a in asked])
    posterior = Posterior(FEATURES, KERNEL, rows, targets, rows[:0])
    mean, deviation = posterior.predict(asked)
    assert mean == pytest.approx(cross @ np.linalg.solve(known, targets))
    among = np.array([[covariance(a, b) for b in asked] for a in asked])
    left = among - cross @ np.linalg.solve(known, cross.T)
    assert deviation == pytest.approx(np.sqrt(np.diag(left)))
    means, variances, mean_known, joint, between = posterior.beside(asked[:2], asked[2:])
    assert means == pytest.approx(mean[:2]) and mean_known == pytest.approx(mean[2:])
    assert variances == pytest.approx(np.diag(left)[:2])
    assert joint == pytest.approx(left[2:, 2:]) and between == pytest.approx(left[:2, 2:])


def test_a_prior_mean_is_taken_away_before_and_added_after() -> None:
    rows, asked, pending = (rows_of(CONDITIONAL, n, seed=n) for n in (12, 5, 2))
    targets = np.linspace(-1, 1, 12)

    def expected(rows: Ints) -> Floats:
        return np.asarray(0.3 * rows.sum(axis=1) - 1.0)

    shifted = Posterior(FEATURES, KERNEL, rows, targets, pending, expected)
    plain = Posterior(FEATURES, KERNEL, rows, targets - expected(rows), pending)
    mean, deviation = shifted.predict(asked)
    assert mean == pytest.approx(plain.predict(asked)[0] + expected(asked))
    assert deviation == pytest.approx(plain.predict(asked)[1])
    means, _, mean_known, _, _ = shifted.beside(asked[:2], asked[2:])
    assert np.concatenate([means, mean_known]) == pytest.approx(mean)
    far = Posterior(FEATURES, KERNEL, rows[:0], targets[:0], pending[:0], expected)
    assert far.predict(asked)[0] == pytest.approx(expected(asked)), "before anything is measured"


@pytest.mark.parametrize("searched", [CONDITIONAL, space("mixed", resolution=16)], ids=lambda s: s.name)
def test_covariances_are_positive_and_one_where_rows_agree(searched: SearchSpace) -> None:
    features = Features(Encoding(searched))
    bits = features.bits(rows_of(searched, 60))
    rng = np.random.default_rng(0)
    kernel = Kernel(rng.gamma(1.0, 0.5, features.groups), 1.0, 0.1)
    likeness = kernel.likeness(features, bits, bits)
    assert np.linalg.eigvalsh(likeness).min() > -1e-9
    assert np.diag(likeness) == pytest.approx(1.0)


def test_networks_under_measurement_lower_the_uncertainty_and_keep_the_mean() -> None:
    rows = rows_of(CONDITIONAL, 20)
    targets = np.linspace(-1, 1, 15)
    mean, deviation = Posterior(FEATURES, KERNEL, rows[:15], targets, rows[:0]).predict(rows[15:])
    believed, lower = Posterior(FEATURES, KERNEL, rows[:15], targets, rows[15:17]).predict(rows[15:])
    assert believed == pytest.approx(mean) and (lower < deviation).all()


def test_gradient_equals_finite_differences() -> None:
    bits, targets = FEATURES.bits(rows_of(CONDITIONAL, 15)), np.sin(np.arange(15.0))
    logs = np.log(np.concatenate([KERNEL.weights, [KERNEL.signal, KERNEL.noise]]))

    def likelihood(at: np.ndarray) -> float:
        values = np.exp(at)
        return _likelihood(FEATURES, bits, targets, Kernel(values[:-2], values[-2], values[-1]))[0]

    gradient = _likelihood(FEATURES, bits, targets, KERNEL)[1]
    for i, slope in enumerate(gradient):
        step = np.eye(len(logs))[i] * 1e-5
        assert (likelihood(logs + step) - likelihood(logs - step)) / 2e-5 == pytest.approx(slope, abs=1e-6)


def test_the_fit_finds_the_decision_that_matters() -> None:
    searched = SearchSpace("six", tuple(Decision(f"d{i}", ("a", "b", "c")) for i in range(6)))
    features, rows = Features(Encoding(searched)), rows_of(searched, 60)
    targets = np.array([1.0, -1.0, 0.3])[rows[:, 2]]
    start = prior_kernel(features)
    kernel = fit(features, features.bits(rows), targets, start, 30)
    assert kernel.weights.argmax() == 2 and kernel.noise < start.noise
    others = np.delete(kernel.weights, 2)
    assert kernel.weights[2] > 3 * others.max()
