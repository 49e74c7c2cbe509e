"""Which epoch was the best, and the file of all."""

from __future__ import annotations

import csv
import io
from typing import Any

from evaluators.trainer.epoch_metrics import EpochMetrics, as_csv, best, epochs_without_gain


def row(epoch: int, accuracy: float, loss: float = 1.0, **more: Any) -> EpochMetrics:
    return EpochMetrics(
        epoch=epoch,
        seconds=1.5 * epoch,
        learning_rate=0.1,
        train_loss=2.0,
        validation_loss=loss,
        accuracy=accuracy,
        **{"balanced_accuracy": accuracy, "images_per_second": 100.0, **more},
    )


def averaged(accuracy: float, loss: float) -> dict[str, float]:
    return {"average_accuracy": accuracy, "average_balanced_accuracy": accuracy, "average_loss": loss}


def test_the_best_has_the_highest_accuracy_then_the_lowest_loss_then_is_the_earliest() -> None:
    rows = [row(1, 0.5, 0.9), row(2, 0.7, 0.8), row(3, 0.7, 0.6), row(4, 0.7, 0.6)]
    found = best(rows)
    assert found is not None and (found.epoch, found.weights) == (3, "raw")
    assert best([]) is None


def test_averaged_weights_can_be_the_best() -> None:
    found = best([row(1, 0.5, **averaged(0.6, 1.0)), row(2, 0.55, **averaged(0.4, 0.1))])
    assert found is not None and (found.epoch, found.weights, found.accuracy) == (1, "average", 0.6)


def test_balanced_accuracy_decides_where_classes_are_weighted() -> None:
    rows = [row(1, 0.9, balanced_accuracy=0.3), row(2, 0.8, balanced_accuracy=0.7)]
    assert [one.epoch for one in (best(rows, balanced) for balanced in (False, True)) if one] == [1, 2]


def test_epochs_without_gain_count_from_the_first_highest() -> None:
    rows = [row(1, 0.5), row(2, 0.7), row(3, 0.6), row(4, 0.7, 0.1)]
    assert [epochs_without_gain(rows[:n]) for n in range(5)] == [0, 0, 0, 1, 2]


def test_the_file_holds_exact_numbers() -> None:
    rows = [row(1, 1 / 3), row(2, 0.1 + 0.2, **averaged(0.5, 0.25))]
    read = list(csv.DictReader(io.StringIO(as_csv(rows).decode())))
    assert [float(one["accuracy"]) for one in read] == [1 / 3, 0.1 + 0.2]
    assert [one["average_loss"] for one in read] == ["", "0.25"]
