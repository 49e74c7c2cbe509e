"""Pruning on accuracy, step by step, whatever the objectives are (Optuna's own pruners refuse several).

A step is an epoch, or one training of a multi-fidelity schedule. Whether a trial is pruned is a function of the
results of trials with smaller numbers, never of the timing of workers, nor of whether the search was resumed:
a rule that needs a result which is not there yet lets the trial go on and judges it later.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from space.errors import UnknownNameError

STARTUP_TRIALS, WARMUP_STEPS = 5, 1
REDUCTION, RESTART_REDUCTION = 1.5, 3.0
MOST = 0.5
"""Share of whole trainings' steps that Hyperband may expect to take."""

Curve = Sequence[tuple[int, float]]
"""(step, accuracy), in order."""


class Rule(Protocol):
    """Follows trainings and says which of them are to be stopped.

    The loop begins trials in the order of their numbers, reports their steps in order, asks for ``stops`` after
    each and ends every trial once, also those it was told to stop.
    """

    def begin(self, number: int, before: int) -> None:
        """A training starts, proposed when the results of the trials below ``before`` had been told."""

    def report(self, number: int, step: int, accuracy: float) -> None:
        """A running trial has reached ``step``."""

    def stops(self) -> list[tuple[int, int]]:
        """Running trials that are to be stopped, each with the step at which it lost. Says so once."""

    def waits(self, number: int) -> bool:
        """Whether a trial still has to be judged at a step it has reached."""

    def end(self, number: int, curve: Curve, completed: bool) -> None:
        """A trial has ended with this curve, now or before the search was resumed; ``completed`` if not pruned."""


class MedianRule:
    """Stops a training whose best accuracy so far is below the median of completed ones at its step.

    The rule of Golovin et al. 2017 (Vizier, §3.2.2) as Optuna's MedianPruner has it. It looks at what had been
    told when the trial was proposed. Completed trainings have ``steps`` steps; the last is not judged.
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


@dataclass
class _Climb:
    """A running trial: its best accuracy, what that was at the rungs it came to, and how many it has passed."""

    best: float = float("-inf")
    reached: list[float] = field(default_factory=list)
    passed: int = 0


class HalvingRule:
    """Asynchronous successive halving (Li et al. 2020, algorithm 2, in its stopping form).

    At a rung a training goes on if its best accuracy so far is among the best 1/η of all trials with smaller
    numbers that came to the rung, itself included, and if no more than 1/η of them went on: where trials happen to come in
    rising order, all but a few would be among the best of those before them. The best so far always goes on. It is judged as soon as each of those has come there too or
    has ended: within a search that takes no longer than the slowest of the trials that run side by side, and a
    worker does not stand still meanwhile.
    """

    def __init__(self, rungs: Sequence[int], reduction: float = REDUCTION) -> None:
        self.rungs = list(rungs)
        self._reduction = reduction
        self._at: list[dict[int, float]] = [{} for _ in self.rungs]
        self._passed: list[set[int]] = [set() for _ in self.rungs]
        self._running: dict[int, _Climb] = {}

    def begin(self, number: int, before: int) -> None:
        self._running[number] = _Climb()

    def report(self, number: int, step: int, accuracy: float) -> None:
        climb = self._running.get(number)
        if climb is None:
            return
        climb.best = max(climb.best, accuracy)
        rung = len(climb.reached)
        # A trial whose worker died comes to its rungs a second time.
        if rung < len(self.rungs) and step == self.rungs[rung]:
            climb.reached.append(climb.best)

    def stops(self) -> list[tuple[int, int]]:
        lost = []
        for number in sorted(self._running):  # a trial waits for smaller numbers only: one pass is enough
            rung = self._loses(number)
            if rung is not None:
                del self._running[number]
                lost.append((number, self.rungs[rung]))
        return lost

    def _loses(self, number: int) -> int | None:
        """The rung at which a running trial loses; None while it does not, as far as can be told."""
        climb = self._running[number]
        while climb.passed < len(climb.reached):
            rung, mine = climb.passed, climb.reached[climb.passed]
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
            climb.passed += 1
        return None

    def waits(self, number: int) -> bool:
        climb = self._running.get(number)
        return climb is not None and climb.passed < len(climb.reached)

    def end(self, number: int, curve: Curve, completed: bool) -> None:
        self._running.pop(number, None)
        accuracies = dict(curve)
        for seen, passed, rung in zip(self._at, self._passed, self.rungs, strict=True):
            if rung in accuracies:
                seen[number] = max(accuracy for step, accuracy in curve if step <= rung)
            if any(step > rung for step in accuracies):
                passed.add(number)


class HyperbandRule:
    """Hyperband (Li et al. 2018): brackets of successive halving that differ in their first rung.

    Bracket s leaves out the first s rungs; within one, trials are compared with each other only. Trials are dealt out
    so that every bracket may expect to spend the same number of steps, the aggressive ones on more trials. A
    bracket that starts late spares little, and nobody can stop its first trial: it gets a trial only where all
    together may then expect to take ``most`` of the steps of whole trainings. So a short search has the first
    bracket alone. Completed trainings have ``steps`` steps.
    """

    def __init__(
        self, rungs: Sequence[int], steps: int, brackets: int, reduction: float = REDUCTION, most: float = 1.0
    ) -> None:
        self.brackets = [HalvingRule(rungs[skipped:], reduction) for skipped in range(max(1, brackets))]
        self._expected = [expected_steps(bracket.rungs, steps, reduction) for bracket in self.brackets]
        self._steps, self._most = steps, most
        self._spent = [0.0] * len(self.brackets)
        self._dealt: list[int] = []

    def bracket(self, number: int) -> HalvingRule:
        """The bracket of a trial."""
        while len(self._dealt) <= number:
            self._deal()
        return self.brackets[self._dealt[number]]

    def _deal(self) -> None:
        costs = [
            expected if spent else float(self._steps)
            for expected, spent in zip(self._expected, self._spent, strict=True)
        ]
        most = self._most * self._steps * (len(self._dealt) + 1)
        affordable = [s for s in range(len(self.brackets)) if s == 0 or sum(self._spent) + costs[s] <= most]
        chosen = min(affordable, key=self._spent.__getitem__)
        self._spent[chosen] += costs[chosen]
        self._dealt.append(chosen)

    def begin(self, number: int, before: int) -> None:
        self.bracket(number).begin(number, before)

    def report(self, number: int, step: int, accuracy: float) -> None:
        self.bracket(number).report(number, step, accuracy)

    def stops(self) -> list[tuple[int, int]]:
        return sorted(lost for bracket in self.brackets for lost in bracket.stops())

    def waits(self, number: int) -> bool:
        return self.bracket(number).waits(number)

    def end(self, number: int, curve: Curve, completed: bool) -> None:
        self.bracket(number).end(number, curve, completed)


PRUNERS = ("none", "median", "halving", "hyperband")


def rule(name: str, steps: int, *, restarts: bool = False) -> Rule | None:
    """The rule called ``name`` for trials of ``steps`` steps; None for "none". Raises UnknownNameError.

    With ``restarts`` each step is a training of its own, every step but the last is a rung, and the best third goes on: a
    training with a whole learning-rate schedule tells more than the beginning of one.
    """
    if name not in PRUNERS:
        raise UnknownNameError("pruner", name, PRUNERS)
    if name == "none":
        return None
    if name == "median":
        return MedianRule(steps, warmup_steps=0 if restarts else WARMUP_STEPS)
    rungs = list(range(1, steps)) if restarts else epoch_rungs(steps)
    reduction = RESTART_REDUCTION if restarts else REDUCTION
    if name == "halving":
        return HalvingRule(rungs, reduction)
    # A bracket whose first rung comes after a third of the epochs has little to spare.
    brackets = len(rungs) if restarts else sum(3 * rung <= steps for rung in rungs)
    return HyperbandRule(rungs, steps, brackets, reduction, most=1.0 if restarts else MOST)


def epoch_rungs(steps: int) -> list[int]:
    """A ninth, a third and five ninths of ``steps``, rounded, without the last step.

    Accuracies of the first epochs hardly tell who will be best: on digits and on CIFAR-10 their rank correlation with
    the final ones was 0.05 to 0.7 after one epoch of nine, 0.1 to 0.7 after three, 0.5 to 0.7 after five. So a
    rung drops a third and not two thirds, and there are three of them: in replays of real curves (``bench.pruning``) that
    lost less of the best accuracy for the same epochs.
    """
    rungs = {max(1, round(steps * share)) for share in (1 / 9, 1 / 3, 5 / 9)}
    return sorted(rung for rung in rungs if rung < steps)


def expected_steps(rungs: Sequence[int], steps: int, reduction: float = REDUCTION) -> float:
    """Steps that a trial takes on average if 1/``reduction`` of those that come to a rung go on from it."""
    ends = [*rungs, steps]
    shares: list[float] = [
        (b - a) / reduction**k for k, (a, b) in enumerate(itertools.pairwise(ends), start=1)
    ]
    return ends[0] + sum(shares)
