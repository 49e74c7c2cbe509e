"""A training's figures as TensorBoard event files, by epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Self

from evaluators.trainer.epoch_metrics import as_records
from evaluators.trainer.standing import Standing
from space.errors import InputError

_TAGS: Mapping[str, str] = {
    "learning_rate": "learning_rate",
    "train_loss": "loss/train",
    "validation_loss": "loss/validation",
    "average_loss": "loss/validation_average",
    "accuracy": "accuracy/raw",
    "average_accuracy": "accuracy/average",
    "balanced_accuracy": "balanced_accuracy/raw",
    "average_balanced_accuracy": "balanced_accuracy/average",
    "images_per_second": "images_per_second",
}


class TensorBoardLog:
    """Follows a training, and writes each epoch once it is complete to event files in ``folder``.

    A training that goes on writes its earlier epochs again: TensorBoard then hides what an interrupted process wrote.
    A context manager: leaving it ends the files.

    Raises InputError where the package tensorboard is missing, or the folder cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            wanted = "the package tensorboard (pip install 'nascale[tensorboard]')"
            raise InputError.of("--tensorboard", wanted, "none") from None
        try:
            self._writer = SummaryWriter(os.fspath(folder), purge_step=1)
        except OSError as error:
            came = f"{folder} ({error.strerror})"
            raise InputError.of("--tensorboard", "a folder that can be written", came) from None
        self._written = 0

    def __call__(self, training: Standing) -> None:
        """Writes the epochs that are new."""
        for row in as_records(training.rows[self._written :]):
            for name, tag in _TAGS.items():
                if row[name] is not None:
                    self._writer.add_scalar(tag, row[name], row["epoch"])
            self._writer.flush()
        self._written = len(training.rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
