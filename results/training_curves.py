"""The curves of a training: the rows of its ``metrics.csv``, and which columns of them are drawn."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping

Row = Mapping[str, float | None]
"""An epoch: a number for each column of ``metrics.csv``."""
LOSSES = {
    "train_loss": "training",
    "validation_loss": "validation",
    "average_loss": "validation, averaged weights",
}
ACCURACIES = {"accuracy": "raw weights", "average_accuracy": "averaged weights"}


def read_metrics(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a ``metrics.csv`` as numbers; an empty cell is None."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{k: float(v) if v else None for k, v in row.items()} for row in csv.DictReader(file)]
