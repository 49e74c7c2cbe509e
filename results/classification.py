"""How well a classifier does on labelled images: accuracies with intervals, each class for itself, and what is mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.intervals import Estimate, mean_proportion, proportion, wilson
from space.errors import InputError

TOP = 5
MANY_CLASSES = 10
"""Top-5 accuracy is told where there are more classes than this: among few it is nearly always high."""


@dataclass(frozen=True)
class ClassFigures:
    """One class: ``support`` images are of it, ``predicted`` were taken for it.

    ``precision`` is the share of those taken for it that are of it, None where none was; ``recall`` the share of its
    images that were recognised, with its interval, None where it has no images.
    """

    name: str
    support: int
    predicted: int
    precision: float | None
    recall: Estimate | None


@dataclass(frozen=True, eq=False)
class Classification:
    """The figures of a classifier on n images of k classes.

    ``accuracy`` is the share of images that are right, ``balanced_accuracy`` the mean of the recalls of the classes that
    have images, ``top5`` the share whose class is among the five most likely (None for up to ten classes).
    ``confusion`` (k, k) counts images by true class (row) and predicted class (column).
    """

    accuracy: Estimate
    balanced_accuracy: Estimate
    top5: Estimate | None
    classes: tuple[ClassFigures, ...]
    confusion: NDArray[np.int64]

    @classmethod
    def of(cls, logits: NDArray[Any], labels: NDArray[Any], names: Sequence[str]) -> Classification:
        """The figures of ``logits`` (n, k) and ``labels`` (n) in 0..k − 1; of equal logits the first is the prediction.

        Raises InputError for no images, and for shapes and labels that do not fit together.
        """
        checked(logits, labels)
        count, k = logits.shape
        if len(names) != k:
            raise InputError.of("names", f"one for each of {k} classes", len(names))
        predicted = logits.argmax(axis=1)
        confusion = np.zeros((k, k), np.int64)
        np.add.at(confusion, (labels, predicted), 1)
        hits = np.diagonal(confusion)
        support, taken = confusion.sum(axis=1), confusion.sum(axis=0)
        return cls(
            accuracy=proportion(int(hits.sum()), count),
            balanced_accuracy=mean_proportion(hits.tolist(), support.tolist()),
            top5=proportion(top_hits(logits, labels, TOP), count) if k > MANY_CLASSES else None,
            classes=tuple(_class_figures(names, hits, support, taken)),
            confusion=confusion,
        )

    @property
    def images(self) -> int:
        """How many images the figures are of."""
        return int(self.confusion.sum())


def _class_figures(
    names: Sequence[str], hits: NDArray[Any], support: NDArray[Any], taken: NDArray[Any]
) -> list[ClassFigures]:
    lows, highs = wilson(hits, support)
    return [
        ClassFigures(
            name,
            support=int(n),
            predicted=int(m),
            precision=float(right / m) if m else None,
            recall=Estimate(float(right / n), float(low), float(high)) if n else None,
        )
        for name, right, n, m, low, high in zip(names, hits, support, taken, lows, highs, strict=True)
    ]


def top_hits(logits: NDArray[Any], labels: NDArray[Any], top: int) -> int:
    """How many images have their class among the ``top`` largest logits; of equal logits the first classes come first."""
    own = np.take_along_axis(logits, labels[:, None], axis=1)
    before = np.arange(logits.shape[1]) < labels[:, None]
    rank = ((logits > own) | ((logits == own) & before)).sum(axis=1)
    return int((rank < top).sum())


def checked(scores: NDArray[Any], labels: NDArray[Any]) -> None:
    """Raises InputError unless ``scores`` are finite (n, k) and ``labels`` (n) in 0..k − 1, with n > 0."""
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not len(labels):
        raise InputError.of("scores", "(n, classes) for n > 0 labels", f"{scores.shape} for {labels.shape}")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise InputError.of("labels", f"0 to {scores.shape[1] - 1}", f"{labels.min()} to {labels.max()}")
    if not np.isfinite(scores).all():
        raise InputError.of("scores", "finite numbers", "not a number, or an infinite one")
