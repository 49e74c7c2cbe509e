"""What the stages of ``nascale auto`` ask of whatever does the work, and what it gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nascale.auto_run.augmentation import Options
from nascale.auto_run.plan import Fidelity
from nascale.auto_run.state import Finalist
from nascale.auto_run.verdict import Right


@dataclass(frozen=True)
class Trained:
    """A finalist after a full training in ``folder`` of ``seconds``: its figures on the validation images.

    ``loss`` is the least that it reached, after ``loss_epoch`` epochs (0: not known); ``options`` are those that not all
    trainings had. ``images`` is the number of validation images that judged it (0: not known).
    """

    finalist: Finalist
    folder: str
    accuracy: float
    balanced_accuracy: float
    epochs: int
    seconds: float
    score: float
    epoch_seconds: float
    loss: float
    options: Options
    loss_epoch: int = 0
    images: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            name: getattr(self, name)
            for name in (
                "folder",
                "accuracy",
                "balanced_accuracy",
                "epochs",
                "seconds",
                "score",
                "epoch_seconds",
                "loss",
                "options",
                "loss_epoch",
                "images",
            )
        }


@dataclass(frozen=True)
class Found:
    """What a search found: the ``networks`` that were measured, in the order in which longer trainings are to try them.

    Those of the search come first, then the stock networks.

    ``seconds`` are those of the trainings by part of the work: ``stock``, ``search`` and ``again``. ``told`` is what else is
    known of the search.
    """

    networks: Sequence[Finalist]
    seconds: Mapping[str, float]
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What the look at the test images showed: the figures, as a run keeps them, and which images are right."""

    figures: dict[str, Any]
    right: Right


class Work(Protocol):
    """What does the work: see ``workshop.Workshop``. ``until`` is in seconds spent by the clock."""

    @property
    def slots(self) -> int:
        """Trainings that run at once."""

    @property
    def stock(self) -> Sequence[Finalist]:
        """Stock networks within the budgets; their scores are not known yet."""

    def epoch_seconds(self) -> float:
        """Measures how long an epoch of one network takes."""

    @property
    def augmentations(self) -> Sequence[Options]:
        """Options of a stronger augmentation that are worth a try; none where the user chose."""

    @property
    def more_images(self) -> Options:
        """Options with which the last training learns from validation images too; none where it is not to."""

    def train(
        self,
        stage: str,
        some: Sequence[tuple[Finalist, Options]],
        until: float,
        epoch_seconds: float,
    ) -> list[Trained]:
        """Trains at most ``slots`` networks to the end, each with options of its own beside those that all have.

        Those that fail are missing. Goes on with what was begun.
        """

    def search(self, how: Fidelity, until: float) -> Found:
        """Searches, or goes on with the search."""

    def widened(self, one: Finalist, most_macs: float) -> Finalist | None:
        """The network made as wide as the budgets and ``most_macs`` allow; None where it is no wider, or may not be."""

    def publish(self, trained: Trained, *, quick: bool) -> None:
        """Exports it in the place of what is exported, ``quick`` in one format alone."""

    def test(self, trained: Trained) -> Seen | None:
        """The one look at the test images; None where there are none."""

    def right(self, trained: Trained, of: Trained | None = None) -> Right:
        """Which validation images it has right; those of another training if ``of`` is given."""

    def describe(self, trained: Trained, test: Seen | None) -> list[dict[str, Any]]:
        """Writes the family of the network, and gives a row for each member."""

    def report(self, conclusions: Sequence[str]) -> None:
        """Writes the report, which begins with the ``conclusions``."""
