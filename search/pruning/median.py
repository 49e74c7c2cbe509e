"""The median rule: stop what is worse than half of the completed trials were at the same step."""

from __future__ import annotations

from statistics import median

from search.pruning.protocol import Curve, PrunerInfo

STARTUP_TRIALS, WARMUP_STEPS = 5, 1


class MedianRule:
    """Stops a trial whose best accuracy so far is below the median of completed trials at its step.

    This is the rule of Golovin et al. 2017 (Vizier, §3.2.2) in the form of Optuna's MedianPruner. It uses the results
    that were known when the trial was suggested. Completed trials have ``steps`` steps; the last is not judged. No
    trial is judged in its first ``warmup_steps`` steps, or before ``startup_trials`` trials have completed.
    """

    def __init__(
        self, steps: int, startup_trials: int = STARTUP_TRIALS, warmup_steps: int = WARMUP_STEPS
    ) -> None:
        self._steps, self._startup, self._warmup = steps, startup_trials, warmup_steps
        self._at: dict[int, list[tuple[int, float]]] = {}
        self._completed: list[int] = []
        self._running: dict[int, tuple[int, float]] = {}
        self._lost: list[tuple[int, int]] = []

    def begin(self, number: int, before: int) -> None:
        self._running[number] = (before, float("-inf"))

    def report(self, number: int, step: int, accuracy: float) -> None:
        if number not in self._running:
            return
        before, best = self._running[number]
        best = max(best, accuracy)
        self._running[number] = (before, best)
        if not self._warmup < step < self._steps:
            return
        if sum(other < before for other in self._completed) < self._startup:
            return
        others = [accuracy for other, accuracy in self._at.get(step, ()) if other < before]
        if others and best < median(others):
            self._lost.append((number, step))
            del self._running[number]

    def stops(self) -> list[tuple[int, int]]:
        lost, self._lost = self._lost, []
        return lost

    def waits(self, number: int) -> bool:
        return False

    def end(self, number: int, curve: Curve, completed: bool) -> None:
        self._running.pop(number, None)
        if not completed:
            return
        self._completed.append(number)
        for step, accuracy in curve:
            self._at.setdefault(step, []).append((number, accuracy))


PRUNER = PrunerInfo(
    "median",
    "below the median of completed trials at the same step",
    lambda schedule: MedianRule(schedule.levels, warmup_steps=0 if schedule.restarts else WARMUP_STEPS),
)
