"""The mistakes of which a classifier was most sure: they show wrong labels, odd pictures and classes that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.classification import checked


@dataclass(frozen=True)
class Mistake:
    """An image whose class was not recognised: its position, the true and the predicted label, and the confidence."""

    position: int
    truth: int
    predicted: int
    confidence: float


def confident_mistakes(shares: NDArray[Any], labels: NDArray[Any], most: int = 20) -> tuple[Mistake, ...]:
    """The up to ``most`` wrong predictions of the highest probability, most confident first, then by position.

    ``shares`` (n, k) are probabilities, ``labels`` (n) the truth. Raises InputError as ``checked``.
    """
    checked(shares, labels)
    predicted = shares.argmax(axis=1)
    confidence = shares.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return tuple(Mistake(int(i), int(labels[i]), int(predicted[i]), float(confidence[i])) for i in order)
