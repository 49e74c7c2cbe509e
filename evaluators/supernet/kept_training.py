"""The file of a supernet's training in the cache folder, from which a stopped training goes on."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from evaluators.cache import unwritable


@dataclass(frozen=True)
class KeptTraining:
    """A training after ``epoch`` epochs, which took ``seconds``; ``state`` is that of ``SupernetTraining``.

    ``loss`` is the mean of its last epoch in nats; files of before it was kept have none.
    """

    epoch: int
    seconds: float
    state: dict[str, Any]
    loss: float | None = None

    @classmethod
    def read(cls, path: Path) -> KeptTraining | None:
        """The training that ``path`` holds; None if there is no file, or none that can be read."""
        try:
            return cls(**torch.load(path, map_location="cpu", weights_only=True))
        except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, pickle.UnpicklingError):
            return None

    def write(self, path: Path) -> None:
        """Replaces the file in one step: after a kill the earlier one is still there. Raises InputError."""
        partial = path.with_suffix(f".{os.getpid()}")
        kept = {"epoch": self.epoch, "seconds": self.seconds, "state": self.state, "loss": self.loss}
        try:
            torch.save(kept, partial)
            os.replace(partial, path)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            partial.unlink(missing_ok=True)
            raise unwritable(path, error) from None
