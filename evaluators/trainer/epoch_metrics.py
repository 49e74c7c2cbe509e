"""What is measured after each epoch, and whose weights are kept: plain numbers, without torch."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from evaluators.full_recipe import HIGHEST, FullRecipe

RAW, AVERAGE = "raw", "average"


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """The figures of one epoch, counted from 1; a row of ``metrics.csv``.

    ``seconds`` are those of the training so far. Losses are in nats, accuracies in 0..1. The ``average_…`` ones are
    of the averaged weights; None where no average is kept. ``images_per_second`` is the speed of the steps alone.
    """

    epoch: int
    seconds: float
    learning_rate: float
    train_loss: float
    validation_loss: float
    accuracy: float
    balanced_accuracy: float
    average_loss: float | None = None
    average_accuracy: float | None = None
    average_balanced_accuracy: float | None = None
    images_per_second: float

    def judged(self) -> list[Judged]:
        """The weights that were judged: the raw ones, then the averaged ones where there are any."""
        found = [Judged(self.epoch, RAW, self.accuracy, self.balanced_accuracy, self.validation_loss)]
        if (
            self.average_accuracy is not None
            and self.average_balanced_accuracy is not None
            and self.average_loss is not None
        ):
            averaged = (self.average_accuracy, self.average_balanced_accuracy, self.average_loss)
            found.append(Judged(self.epoch, AVERAGE, *averaged))
        return found


@dataclass(frozen=True)
class Judged:
    """How some weights did on the validation images: those at the end of ``epoch``, ``raw`` or their ``average``."""

    epoch: int
    weights: str
    accuracy: float
    balanced_accuracy: float
    loss: float

    def score(self, balanced: bool) -> float:
        """The accuracy that counts: the balanced one where the classes are weighted."""
        return self.balanced_accuracy if balanced else self.accuracy


def best(rows: Sequence[EpochMetrics], balanced: bool = False) -> Judged | None:
    """The weights of all epochs with the highest accuracy, of equal ones the lowest loss, then the earliest.

    ``balanced`` counts the balanced accuracy. None without epochs.
    """
    judged = [one for row in rows for one in row.judged()]
    return max(judged, key=lambda one: (one.score(balanced), -one.loss), default=None)


def kept(
    rows: Sequence[EpochMetrics], recipe: FullRecipe, images: int, balanced: bool = False
) -> Judged | None:
    """The weights that ``recipe.keep`` keeps of a training that is judged on so many ``images``; None without epochs.

    Those of ``latest`` are the better ones of the latest epoch that is within one standard error of the highest accuracy.
    At the end of each epoch they are either that epoch's, or those that were kept before.
    """
    highest = best(rows, balanced)
    if highest is None or recipe.keep == HIGHEST:
        return highest
    score = highest.score(balanced)
    least = score - math.sqrt(score * (1 - score) / images)
    tops = [best([row], balanced) for row in rows]
    return next(one for one in reversed(tops) if one is not None and one.score(balanced) >= least)


def epochs_without_gain(rows: Sequence[EpochMetrics], balanced: bool = False) -> int:
    """Epochs since the highest accuracy was first reached."""
    scores = [max(one.score(balanced) for one in row.judged()) for row in rows]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


def as_csv(rows: Sequence[EpochMetrics]) -> bytes:
    """The rows as a CSV file with a header; numbers are exact, a figure that is not there is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(EpochMetrics)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue().encode()


def as_records(rows: Sequence[EpochMetrics]) -> list[dict[str, Any]]:
    """The rows as plain objects, as a checkpoint keeps them."""
    return [asdict(row) for row in rows]
