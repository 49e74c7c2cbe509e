"""The units of the results in a table, and how they become accuracies.

A search takes accuracies, fractions of which more is better. A loss is taken as exp(−loss): where it is a cross-entropy
in nats, that is the geometric mean of the probabilities given to the right classes. It keeps the order, and what is
said of regret and noise is in the unit of the loss again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ResultUnit:
    """``fractions`` turns results as the table holds them into accuracies, ``shown`` accuracies into what is told.

    ``words`` name what is told: points of accuracy, or the loss. ``wanted`` says what the results must be, and
    ``sign`` is 1 where more is better and −1 for a loss.
    """

    name: str
    words: str
    wanted: str
    sign: int
    fractions: Callable[[Floats], Floats]
    shown: Callable[[Floats], Floats]

    @property
    def is_loss(self) -> bool:
        """Whether less is better."""
        return self.sign < 0

    def shown_one(self, accuracy: float) -> float:
        """What is told of one accuracy: percent, or the loss."""
        return float(self.shown(np.asarray(accuracy, dtype=np.float64)))

    def regret(self, best: float, found: Floats) -> Floats:
        """How much worse ``found`` is than ``best``, both accuracies; in points, or as a difference of losses."""
        return self.sign * (
            self.shown(np.asarray(best, dtype=np.float64)) - self.shown(np.asarray(found, dtype=np.float64))
        )


def _losses(accuracies: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(accuracies), dtype=np.float64)


def _percents(accuracies: Floats) -> Floats:
    return np.asarray(100 * accuracies, dtype=np.float64)


UNITS = {
    unit.name: unit
    for unit in (
        ResultUnit("fraction", "points", "accuracies of 0 to 1", 1, lambda values: values, _percents),
        ResultUnit("percent", "points", "accuracies of 0 to 1", 1, lambda values: values * 0.01, _percents),
        ResultUnit("loss", "loss", "losses of 0 or more", -1, lambda values: np.exp(-values), _losses),
    )
}
"""The units by the name that ``table.unit`` takes."""
