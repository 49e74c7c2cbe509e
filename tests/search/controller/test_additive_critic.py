"""The additive critic against Gaussian process regression written out."""

from __future__ import annotations

import random

import numpy as np
import pytest

from search.controller.additive_critic import AGREEMENT, CONSTANT, LIKENESS, NOISE, REACH, AdditiveCritic
from search.encoding import Encoding
from space.search_space import Decision, SearchSpace
from tests.search.fakes import CONDITIONAL

LONG = SearchSpace("long", tuple(Decision(f"d{i}", (0, 1, 2)) for i in range(12)))


def test_it_equals_gaussian_process_regression() -> None:
    encoding, rng = Encoding(CONDITIONAL), random.Random(0)
    rows = np.array([encoding.row(CONDITIONAL.sample(rng)) for _ in range(12)])
    targets, asked = np.arange(12.0) / 6, rows[:3]

    def covariance(a: np.ndarray, b: np.ndarray) -> float:
        agree = sum(x == y >= 0 for x, y in zip(a, b, strict=True))
        active = ((a >= 0).sum() + (b >= 0).sum()) / 2
        return float(CONSTANT + AGREEMENT * agree / active + LIKENESS * np.exp((agree - active) / REACH))

    known = np.array([[covariance(a, b) for b in rows] for a in rows]) + NOISE * np.eye(12)
    cross = np.array([[covariance(a, b) for b in rows] for a in asked])
    mean, uncertainty = AdditiveCritic(encoding, rows, targets, rows[:0]).predict(asked)
    assert mean == pytest.approx(cross @ np.linalg.solve(known, targets))
    expected = CONSTANT + AGREEMENT + LIKENESS - np.diag(cross @ np.linalg.solve(known, cross.T))
    assert uncertainty == pytest.approx(np.sqrt(expected))


def test_networks_under_measurement_lower_the_uncertainty_and_keep_the_mean() -> None:
    encoding = Encoding(LONG)
    rng = random.Random(0)
    rows = np.array([encoding.row(LONG.sample(rng)) for _ in range(20)])
    targets = np.linspace(-1, 1, 15)
    mean, uncertainty = AdditiveCritic(encoding, rows[:15], targets, rows[:0]).predict(rows[15:])
    believed, lower = AdditiveCritic(encoding, rows[:15], targets, rows[15:17]).predict(rows[15:])
    assert believed == pytest.approx(mean) and (lower < uncertainty).all()
