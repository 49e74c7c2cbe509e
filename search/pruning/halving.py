"""Asynchronous successive halving: at a few steps, the rungs, only the best share of the trials goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from search.pruning.protocol import Curve, PrunerInfo

if TYPE_CHECKING:
    from evaluators.evaluator import FidelitySchedule

REDUCTION, RESTART_REDUCTION = 1.5, 3.0
"""η: the best 1/η of the trials go on from a rung. The second holds where each level is a training of its own."""


@dataclass
class _RungRecord:
    """A running trial: its best accuracy, what that was at the rungs it reached, and how many rungs it has passed."""

    best: float = float("-inf")
    reached: list[float] = field(default_factory=list)
    passed: int = 0


class HalvingRule:
    """Asynchronous successive halving (Li et al. 2020, algorithm 2, in its stopping form).

    A trial goes on from a rung if two conditions hold among the trials with smaller numbers that reached the rung,
    itself included. Its best accuracy so far is among the best 1/η, and no more than 1/η of them have gone on: in a
    search whose trials happen to become better and better, nearly all would be among the best so far. The best so
    far always goes on.

    A trial is judged as soon as each trial with a smaller number has reached the rung or has ended. Until then it
    goes on training, so that no worker waits.
    """

    def __init__(self, rungs: Sequence[int], reduction: float = REDUCTION) -> None:
        self.rungs = list(rungs)
        self._reduction = reduction
        self._at: list[dict[int, float]] = [{} for _ in self.rungs]
        self._passed: list[set[int]] = [set() for _ in self.rungs]
        self._running: dict[int, _RungRecord] = {}

    def begin(self, number: int, before: int) -> None:
        self._running[number] = _RungRecord()

    def report(self, number: int, step: int, accuracy: float) -> None:
        trial = self._running.get(number)
        if trial is None:
            return
        trial.best = max(trial.best, accuracy)
        rung = len(trial.reached)
        # A trial whose worker died reaches its rungs a second time.
        if rung < len(self.rungs) and step == self.rungs[rung]:
            trial.reached.append(trial.best)

    def stops(self) -> list[tuple[int, int]]:
        lost = []
        for number in sorted(self._running):  # a trial waits for smaller numbers only: one pass is enough
            rung = self._loses(number)
            if rung is not None:
                del self._running[number]
                lost.append((number, self.rungs[rung]))
        return lost

    def _loses(self, number: int) -> int | None:
        """The rung at which a running trial loses; None where it does not, or cannot be judged yet."""
        trial = self._running[number]
        while trial.passed < len(trial.reached):
            rung, mine = trial.passed, trial.reached[trial.passed]
            seen = self._at[rung]
            if any(other < number and other not in seen for other in self._running):
                return None
            seen[number] = mine
            others = [accuracy for other, accuracy in seen.items() if other < number]
            better = sum(accuracy > mine for accuracy in others)
            keep = (len(others) + 1) // self._reduction
            gone_on = sum(other < number for other in self._passed[rung])
            if better and (better >= keep or gone_on >= keep):
                return rung
            self._passed[rung].add(number)
            trial.passed += 1
        return None

    def waits(self, number: int) -> bool:
        trial = self._running.get(number)
        return trial is not None and trial.passed < len(trial.reached)

    def end(self, number: int, curve: Curve, completed: bool) -> None:
        self._running.pop(number, None)
        accuracies = dict(curve)
        for seen, passed, rung in zip(self._at, self._passed, self.rungs, strict=True):
            if rung in accuracies:
                seen[number] = max(accuracy for step, accuracy in curve if step <= rung)
            if any(step > rung for step in accuracies):
                passed.add(number)


def rungs_of(schedule: FidelitySchedule) -> list[int]:
    """The steps at which trials are judged: every level but the last, or three epochs of a single training."""
    return list(range(1, schedule.levels)) if schedule.restarts else epoch_rungs(schedule.levels)


def reduction_of(schedule: FidelitySchedule) -> float:
    """η for a schedule: a training with a whole learning-rate schedule says more than the beginning of one."""
    return RESTART_REDUCTION if schedule.restarts else REDUCTION


def epoch_rungs(steps: int) -> list[int]:
    """A ninth, a third and five ninths of ``steps``, rounded, without the last step.

    Accuracies of the first epochs say little about the final ones: on digits and on CIFAR-10 their rank correlation
    was 0.05 to 0.7 after one epoch of nine, 0.1 to 0.7 after three, 0.5 to 0.7 after five. So a rung drops one third
    of the trials and not two thirds, and there are three rungs. In replays of real curves (``bench.pruning``) that lost less
    of the best accuracy for the same epochs.
    """
    rungs = {max(1, round(steps * share)) for share in (1 / 9, 1 / 3, 5 / 9)}
    return sorted(rung for rung in rungs if rung < steps)


PRUNER = PrunerInfo(
    "halving",
    "asynchronous successive halving",
    lambda schedule: HalvingRule(rungs_of(schedule), reduction_of(schedule)),
)
