"""Calibration: by hand, by scikit-learn, and a temperature that is known because it was put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from results.calibration import (
    BINS,
    COLDEST,
    HOTTEST,
    Calibration,
    fitted_temperature,
    negative_log_likelihood,
    probabilities,
)
from tests.results.test_classification import drawn


def test_the_error_by_hand() -> None:
    """Ten images of confidence 0.8, six right; five of 0.62, all right: (10 · 0.2 + 5 · 0.38) / 15."""
    shares = np.array([[0.8, 0.2]] * 10 + [[0.62, 0.38]] * 5)
    labels = np.array([0] * 6 + [1] * 4 + [0] * 5)
    found = Calibration.of(np.log(shares), labels)
    assert found.error == pytest.approx((10 * 0.2 + 5 * 0.38) / 15)
    full = np.flatnonzero(found.counts)
    assert full.tolist() == [9, 11]
    assert found.counts[full].tolist() == [5, 10]
    np.testing.assert_allclose(found.confidence[full], [0.62, 0.8])
    np.testing.assert_allclose(found.right[full], [1.0, 0.6])


def test_an_image_of_full_confidence_is_in_the_last_bin() -> None:
    found = Calibration.of(np.array([[1000.0, 0.0]]), np.array([0]))
    assert found.counts[BINS - 1] == 1 and found.error == 0 and found.loss == 0 and found.brier == 0


@given(st.integers(0, 50), st.floats(0.2, 5))
@settings(max_examples=25)
def test_the_error_is_a_slow_loop_over_the_bins(seed: int, temperature: float) -> None:
    logits, labels = drawn(60, 4, seed)
    shares = probabilities(logits, temperature)
    confidence, right = shares.max(1), shares.argmax(1) == labels
    error = 0.0
    for i in range(BINS):
        inside = (confidence > i / BINS) & (confidence <= (i + 1) / BINS)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert Calibration.of(logits, labels, temperature).error == pytest.approx(error)


def test_loss_and_brier_score_are_scikit_learns() -> None:
    logits, labels = drawn(200, 6)
    found = Calibration.of(logits, labels, 1.7)
    shares = probabilities(logits, 1.7)
    assert found.loss == pytest.approx(metrics.log_loss(labels, shares, labels=range(6)))
    truth = np.eye(6)[labels]
    # scikit-learn's score is of two classes; that of many is the sum of each class against the rest.
    wanted = sum(metrics.brier_score_loss(truth[:, i], shares[:, i]) for i in range(6))
    assert found.brier == pytest.approx(wanted)


def of_known_temperature(
    temperature: float, images: int = 20_000
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and labels drawn from softmax(logits / temperature)."""
    rng = np.random.default_rng(3)
    logits = rng.normal(scale=3, size=(images, 5))
    gumbel = rng.gumbel(size=logits.shape)
    return logits, (logits / temperature + gumbel).argmax(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_temperature_that_was_put_in_is_found(temperature: float) -> None:
    logits, labels = of_known_temperature(temperature)
    found = fitted_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.03)
    at = negative_log_likelihood(logits, labels, found)
    assert at <= min(negative_log_likelihood(logits, labels, found * f) for f in (0.99, 1.01))
    assert Calibration.of(logits, labels, found).error < 0.015


def test_a_temperature_has_bounds() -> None:
    labels = np.array([0, 1, 0])
    right = np.eye(2)[labels]
    assert fitted_temperature(right, labels) == pytest.approx(COLDEST, rel=1e-3)
    assert fitted_temperature(right, 1 - labels) == pytest.approx(HOTTEST, rel=1e-3)
