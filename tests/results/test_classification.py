"""Figures of a classifier, with scikit-learn as the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from results.classification import Classification, top_hits
from results.intervals import proportion
from space.errors import InputError


def drawn(images: int, classes: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(logits, labels) of a classifier that is right about half of the time; classes are of unequal size."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.geometric(min(0.6, 3 / classes), images) - 1, classes - 1)
    logits = rng.normal(size=(images, classes))
    logits[np.arange(images), labels] += 2
    return logits, labels


@pytest.mark.parametrize("classes", [2, 10, 30])
def test_every_figure_is_scikit_learns(classes: int) -> None:
    logits, labels = drawn(400, classes)
    guessed = logits.argmax(1)
    found = Classification.of(logits, labels, [f"c{i}" for i in range(classes)])
    assert found.images == 400
    assert found.accuracy.value == metrics.accuracy_score(labels, guessed)
    assert found.accuracy == proportion(int((guessed == labels).sum()), 400)
    present = np.unique(labels)
    recalls = metrics.recall_score(labels, guessed, labels=present, average="macro", zero_division=0)
    assert found.balanced_accuracy.value == pytest.approx(recalls)
    assert found.balanced_accuracy.low < recalls < found.balanced_accuracy.high
    precision, recall, _, support = metrics.precision_recall_fscore_support(
        labels, guessed, labels=range(classes), zero_division=np.nan
    )
    for i, one in enumerate(found.classes):
        assert (one.name, one.support, one.predicted) == (f"c{i}", support[i], (guessed == i).sum())
        assert one.precision == (None if np.isnan(precision[i]) else pytest.approx(precision[i]))
        assert (one.recall is None) == (support[i] == 0)
        assert one.recall is None or one.recall == proportion(
            int((guessed[labels == i] == i).sum()), support[i]
        )
        assert one.recall is None or one.recall.value == pytest.approx(recall[i])
    np.testing.assert_array_equal(
        found.confusion, metrics.confusion_matrix(labels, guessed, labels=range(classes))
    )
    if classes > 10:
        assert found.top5 is not None
        wanted = metrics.top_k_accuracy_score(labels, logits, k=5, labels=range(classes))
        assert found.top5.value == pytest.approx(wanted)
    else:
        assert found.top5 is None


def test_of_equal_logits_the_first_class_is_the_prediction() -> None:
    logits = np.zeros((3, 3))
    labels = np.array([0, 1, 2])
    assert Classification.of(logits, labels, "abc").accuracy.value == pytest.approx(1 / 3)
    assert [top_hits(logits, labels, top) for top in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("logits", "labels", "names"),
    [
        (np.zeros((0, 2)), np.zeros(0, int), "ab"),
        (np.zeros((2, 2)), np.array([0, 2]), "ab"),
        (np.zeros((2, 2)), np.array([0, -1]), "ab"),
        (np.zeros((2, 2)), np.array([0]), "ab"),
        (np.zeros((2, 2)), np.array([0, 1]), "abc"),
        (np.full((2, 2), np.nan), np.array([0, 1]), "ab"),
    ],
)
def test_what_does_not_fit_is_refused(
    logits: NDArray[np.float64], labels: NDArray[np.int64], names: str
) -> None:
    with pytest.raises(InputError):
        Classification.of(logits, labels, names)
