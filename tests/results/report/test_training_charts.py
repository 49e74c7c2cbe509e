"""The curves of a training on a page: every known figure is drawn, and nothing is made up for what is not known."""

from __future__ import annotations

import re

import pytest

from results.report.training_charts import accuracy_chart, legend, loss_chart
from results.training_curves import ACCURACIES, LOSSES

ROWS = [
    {
        "epoch": float(epoch),
        "train_loss": 2.0 / epoch,
        "validation_loss": 2.2 / epoch,
        "accuracy": 1 - 0.5 / epoch,
        "average_loss": None if epoch < 3 else 2.1 / epoch,
        "average_accuracy": None if epoch < 3 else 1 - 0.4 / epoch,
    }
    for epoch in range(1, 6)
]


def corners(chart: str, style: str) -> list[tuple[float, float]]:
    """The points of the line of that style."""
    (path,) = re.findall(rf'<path class="{style}" d="M([^"]*)"', chart)
    return [(float(x), float(y)) for x, y in (pair.split() for pair in path.split("L"))]


def test_every_line_has_the_epochs_that_are_known() -> None:
    losses, accuracies = loss_chart(ROWS, 400, 300), accuracy_chart(ROWS, 400, 300)
    assert len(corners(losses, "line train")) == len(corners(losses, "line")) == 5
    assert len(corners(losses, "line average")) == len(corners(accuracies, "line average")) == 3
    heights = [y for _, y in corners(accuracies, "line")]
    assert heights == sorted(heights, reverse=True)  # up is better, and y runs down
    assert [words for _, words in legend(LOSSES, ROWS)] == list(LOSSES.values())
    assert [words for _, words in legend(ACCURACIES, ROWS[:2])] == ["raw weights"]


def test_the_kept_weights_have_a_ring() -> None:
    chart = accuracy_chart(ROWS, 400, 300, kept={"epoch": 5, "accuracy": 0.9})
    (x, y) = re.findall(r'class="ring" cx="([\d.]+)" cy="([\d.]+)"', chart)[0]
    assert (float(x), float(y)) == pytest.approx(corners(chart, "line")[-1], abs=0.11)


def test_one_epoch_is_a_dot_and_none_is_no_chart() -> None:
    assert 'class="dot"' in loss_chart(ROWS[:1], 400, 300)
    assert loss_chart([], 400, 300) == accuracy_chart([{"epoch": 1.0, "accuracy": None}], 400, 300) == ""
