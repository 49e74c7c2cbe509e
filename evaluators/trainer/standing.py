"""Where a training stands: what is shown of it while it runs, in its own process or sent to another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from evaluators.full_recipe import FullRecipe
from evaluators.trainer.epoch_metrics import EpochMetrics, Judged, best


class Standing(Protocol):
    """A training, or a snapshot of one."""

    @property
    def recipe(self) -> FullRecipe: ...

    @property
    def epoch(self) -> int:
        """Epochs that are complete."""

    @property
    def step(self) -> int:
        """Steps since, of ``steps``."""

    @property
    def steps(self) -> int: ...

    @property
    def epochs(self) -> int:
        """Epochs after which it ends, as it stands now."""

    @property
    def rows(self) -> list[EpochMetrics]: ...

    @property
    def mean_loss(self) -> float:
        """The mean training loss of the epoch so far."""

    @property
    def balanced(self) -> bool:
        """Whether the balanced accuracy decides which weights are kept."""

    @property
    def best(self) -> Judged | None: ...

    @property
    def finished(self) -> bool: ...


@dataclass(frozen=True)
class Snapshot:
    """Where a training stood, as a value that can be sent."""

    recipe: FullRecipe
    epoch: int
    step: int
    steps: int
    epochs: int
    rows: list[EpochMetrics]
    mean_loss: float
    balanced: bool
    finished: bool

    @classmethod
    def of(cls, training: Standing) -> Snapshot:
        """Where ``training`` stands now; waits for its device."""
        return cls(
            training.recipe,
            training.epoch,
            training.step,
            training.steps,
            training.epochs,
            list(training.rows),
            training.mean_loss,
            training.balanced,
            training.finished,
        )

    @property
    def best(self) -> Judged | None:
        """The weights with the highest accuracy so far."""
        return best(self.rows, self.balanced)
