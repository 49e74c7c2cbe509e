"""Where trials are kept while a search runs: the protocol, and a list in memory that outlives nothing.

``search.optuna_store`` keeps them in a database, ``search.patience`` through the hours when that does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from results.trial_result import Status, TrialResult

MEMORY = "memory"


class TrialStore(Protocol):
    """Keeps the trials of one study. One driver writes; nobody else."""

    def results(self) -> list[TrialResult]:
        """All stored trials, in order of number."""

    def start(self, trial: TrialResult) -> None:
        """Stores a new trial that runs now."""

    def restart(self, trial: TrialResult) -> None:
        """Marks an unfinished trial as running again."""

    def measured(self, number: int, step: int, value: float) -> None:
        """Takes a measurement of a running trial, which is stored before long."""

    def forget(self, number: int) -> None:
        """Takes back the measurements of a running trial that begins again."""

    def finish(self, trial: TrialResult) -> None:
        """Stores the result of a running trial."""

    def release(self, trials: Sequence[TrialResult]) -> None:
        """Marks running trials as waiting: stopped on purpose, to be run when the search goes on."""

    def tick(self) -> None:
        """Is called again and again while the search runs: stores what is due."""

    def settle(self) -> None:
        """Returns once everything is stored. Raises RunError where it cannot be."""

    def close(self) -> None:
        """Lets go of the storage."""


class MemoryTrialStore:
    """Keeps trials in a list; nothing outlives the process."""

    def __init__(self) -> None:
        self._trials: list[TrialResult] = []

    def results(self) -> list[TrialResult]:
        """All trials so far."""
        return list(self._trials)

    def start(self, trial: TrialResult) -> None:
        """Appends."""
        self._trials.append(trial)

    def restart(self, trial: TrialResult) -> None:
        """Replaces."""
        self._trials[trial.number] = trial

    def measured(self, number: int, step: int, value: float) -> None:
        """Nobody looks at a trial in memory before it has ended."""

    def forget(self, number: int) -> None:
        """Nothing was kept."""

    def finish(self, trial: TrialResult) -> None:
        """Replaces."""
        self._trials[trial.number] = trial

    def release(self, trials: Sequence[TrialResult]) -> None:
        """Replaces each."""
        for trial in trials:
            self._trials[trial.number] = trial.replace(status=Status.WAITING)

    def tick(self) -> None:
        """Nothing is due."""

    def settle(self) -> None:
        """Everything is where it stays."""

    def close(self) -> None:
        """Nothing to let go of."""


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)
