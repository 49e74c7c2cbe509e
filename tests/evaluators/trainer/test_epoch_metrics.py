"""Which epoch was the best, whose weights are kept, and the file of all."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evaluators.full_recipe import FullRecipe
from evaluators.trainer.epoch_metrics import EpochMetrics, as_csv, best, epochs_without_gain, kept


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


def test_weights_are_kept_of_the_latest_epoch_within_one_standard_error_of_the_highest() -> None:
    rows = [row(1, 0.5), row(2, 0.9), row(3, 0.88), row(4, 0.86, **averaged(0.875, 1.0)), row(5, 0.8)]
    # One standard error of 0.9 is 0.03 on 100 images, 0.021 on 200, and 0.003 on 10,000.
    for images, epoch, weights in ((100, 4, "average"), (200, 3, "raw"), (10_000, 2, "raw")):
        found = kept(rows, FullRecipe(), images)
        assert found is not None and (found.epoch, found.weights) == (epoch, weights), images
    highest = kept(rows, FullRecipe(keep="highest"), 100)
    assert highest is not None and highest.epoch == 2
    assert kept([], FullRecipe(), 100) is None


def test_balanced_accuracy_decides_whose_weights_are_kept_where_classes_are_weighted() -> None:
    rows = [row(1, 0.9, balanced_accuracy=0.3), row(2, 0.8, balanced_accuracy=0.7)]
    found = [kept(rows, FullRecipe(), 100, balanced) for balanced in (False, True)]
    assert [one.epoch for one in found if one] == [1, 2]


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from(["latest", "highest"]))
def test_an_epoch_is_kept_when_it_ends_or_never(right: list[int], keep: str) -> None:
    rows = [row(epoch, count / 50) for epoch, count in enumerate(right, start=1)]
    found = [kept(rows[:n], FullRecipe(keep=keep), 50) for n in range(1, len(rows) + 1)]
    for before, now in zip([None, *found], found, strict=False):
        assert now is not None and (now == before or now.epoch == found.index(now) + 1)


def test_epochs_without_gain_count_from_the_first_highest() -> None:
    rows = [row(1, 0.5), row(2, 0.7), row(3, 0.6), row(4, 0.7, 0.1)]
    assert [epochs_without_gain(rows[:n]) for n in range(5)] == [0, 0, 0, 1, 2]


def test_the_file_holds_exact_numbers() -> None:
    rows = [row(1, 1 / 3), row(2, 0.1 + 0.2, **averaged(0.5, 0.25))]
    read = list(csv.DictReader(io.StringIO(as_csv(rows).decode())))
    assert [float(one["accuracy"]) for one in read] == [1 / 3, 0.1 + 0.2]
    assert [one["average_loss"] for one in read] == ["", "0.25"]
