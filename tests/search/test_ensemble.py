"""The ensemble of predictors: its gradient, what it learns, and where its members disagree."""

from __future__ import annotations

import numpy as np
import pytest

from search.ensemble import MEMBERS, Ensemble


def one_hot(rows: np.ndarray, options: int) -> np.ndarray:
    return np.eye(options)[rows].reshape(len(rows), -1)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, (200, 8))
    weights = rng.normal(size=(8, 3, 2))
    targets = weights[np.arange(8), rows].sum(axis=1)
    return one_hot(rows, 3), targets / targets.std(axis=0)


def test_its_gradient_is_that_of_the_mean_absolute_error() -> None:
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=(MEMBERS, a, b)) for a, b in ((4, 6), (6, 5), (5, 2))]
    biases = [rng.normal(size=(MEMBERS, 1, b)) for b in (6, 5, 2)]
    ensemble = Ensemble(tuple(weights), tuple(biases))
    features, targets = rng.normal(size=(MEMBERS, 7, 4)), rng.normal(size=(MEMBERS, 7, 2))
    parts = [part for pair in zip(weights, biases, strict=True) for part in pair]
    slopes = [np.zeros_like(part) for part in parts]
    ensemble._slope(features, targets, slopes)

    def loss() -> float:
        return float(np.abs(ensemble._layers(features)[-1] - targets).sum(axis=2).mean(axis=1).sum())

    for part, slope in zip(parts, slopes, strict=True):
        flat, index = part.reshape(-1), rng.integers(part.size)
        flat[index] += 1e-6
        above = loss()
        flat[index] -= 2e-6
        below = loss()
        flat[index] += 1e-6
        assert slope.reshape(-1)[index] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-8)


def test_it_predicts_networks_that_it_has_not_seen(data: tuple[np.ndarray, np.ndarray]) -> None:
    features, targets = data
    predicted = Ensemble.fit(features[:150], targets[:150], 1).predict(features[150:]).mean(axis=0)
    for output in range(2):
        assert np.corrcoef(predicted[:, output], targets[150:, output])[0, 1] > 0.9


def test_members_disagree_more_about_what_is_far_from_the_data(data: tuple[np.ndarray, np.ndarray]) -> None:
    features, targets = data
    near = features[:, :3].argmax(axis=1) == 0  # only the first option of the first decision
    ensemble = Ensemble.fit(features[near], targets[near], 2)
    seen, far = (ensemble.predict(features[rows]).std(axis=0).mean() for rows in (near, ~near))
    assert far > 1.3 * seen


def test_it_is_a_function_of_data_and_seed(data: tuple[np.ndarray, np.ndarray]) -> None:
    features, targets = data
    one, same, other = (Ensemble.fit(features[:20], targets[:20], s).predict(features) for s in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)
