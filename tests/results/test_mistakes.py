"""The most confident mistakes."""

from __future__ import annotations

import numpy as np

from results.mistakes import Mistake, confident_mistakes


def test_mistakes_come_with_the_most_confident_first() -> None:
    shares = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1], [0.95, 0.05]])
    labels = np.array([1, 1, 0, 1, 0])
    found = confident_mistakes(shares, labels)
    assert found == (
        Mistake(0, 1, 0, 0.9),
        Mistake(3, 1, 0, 0.9),
        Mistake(2, 0, 1, 0.8),
        Mistake(1, 1, 0, 0.6),
    )
    assert confident_mistakes(shares, labels, most=2) == found[:2]
    assert confident_mistakes(shares, shares.argmax(1)) == ()
