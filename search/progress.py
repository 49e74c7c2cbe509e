"""Where a search stands, in numbers: what a progress line shows and what decides when a search ends."""

from __future__ import annotations

from dataclasses import dataclass

from results.trial_result import Status, TrialResult


@dataclass
class Progress:
    """Where a search stands. ``seconds`` and ``new`` (finished trials) are of this run, the rest of the study.

    ``merit`` is the figure of a trial (one of ``MERITS``) by which the ``best`` is chosen; ``unit`` is what is counted.
    """

    total: int
    merit: str = "accuracy"
    unit: str = "trials"
    finished: int = 0
    running: int = 0
    reused: int = 0
    pruned: int = 0
    failed: int = 0
    infeasible: int = 0
    epochs: int = 0
    new: int = 0
    seconds: float = 0.0
    best: TrialResult | None = None
    stopped: str | None = None

    @property
    def best_accuracy(self) -> float | None:
        """The highest accuracy (or other merit) of a feasible complete trial."""
        return None if self.best is None else self._merit_of(self.best)

    def _merit_of(self, result: TrialResult) -> float | None:
        return result.accuracy if self.merit == "accuracy" else result.balanced_accuracy

    def count(self, result: TrialResult) -> None:
        """Takes a finished trial in."""
        status, infeasible = result.status, result.feasible is False
        self.finished += 1
        self.reused += status is Status.REUSED
        self.pruned += status.state == Status.PRUNED.state and not infeasible
        self.failed += status.failed
        self.infeasible += infeasible and not status.failed
        if result.measured_by is None:
            self.epochs += result.epochs or 0
        if status.complete and not infeasible:
            accuracy = self._merit_of(result)
            if accuracy is not None and (self.best_accuracy is None or accuracy > self.best_accuracy):
                self.best = result
