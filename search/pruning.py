"""Pruning on accuracy, epoch by epoch, whatever the objectives are (Optuna's own pruners refuse several).

Each rule looks only at trials whose results the search had been told when it proposed the one at hand, so
whether a trial is pruned does not hang on the timing of workers, nor on whether the search was resumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Protocol

from space.errors import UnknownNameError

STARTUP_TRIALS, WARMUP_EPOCHS = 5, 1
REDUCTION = 3

Curve = Sequence[tuple[int, float]]


class Rule(Protocol):
    """Learns from trials that have ended and says whether a running one is to be stopped."""

    def learn(self, number: int, curve: Curve, completed: bool) -> None:
        """Trial ``number`` has ended with these (epoch, accuracy) pairs; ``completed`` if it was not pruned."""

    def prunes(self, number: int, curve: Mapping[int, float], before: int) -> bool:
        """Whether to stop trial ``number`` after the last epoch of ``curve``, seen from trials below ``before``."""


class MedianRule:
    """Stops a training whose best accuracy so far is below the median of completed ones at its epoch.

    The rule of Golovin et al. 2017 (Vizier, §3.2.2) as Optuna's MedianPruner has it.
    """

    def __init__(self, startup_trials: int = STARTUP_TRIALS, warmup_epochs: int = WARMUP_EPOCHS) -> None:
        self._startup, self._warmup = startup_trials, warmup_epochs
        self._at: dict[int, list[tuple[int, float]]] = {}
        self._completed: list[int] = []

    def learn(self, number: int, curve: Curve, completed: bool) -> None:
        if not completed:
            return
        self._completed.append(number)
        for epoch, accuracy in curve:
            self._at.setdefault(epoch, []).append((number, accuracy))

    def prunes(self, number: int, curve: Mapping[int, float], before: int) -> bool:
        epoch = max(curve)
        if epoch <= self._warmup or sum(other < before for other in self._completed) < self._startup:
            return False
        others = [accuracy for other, accuracy in self._at.get(epoch, ()) if other < before]
        return bool(others) and max(curve.values()) < median(others)


class HalvingRule:
    """Asynchronous successive halving (Li et al. 2020, algorithm 2, in its stopping form).

    Rungs lie at ``first``, ``first``·η, ``first``·η² … epochs below ``epochs``. At a rung a training goes on if it
    is among the best 1/η of all that were seen there, itself included.
    """

    def __init__(self, epochs: int, first: int = 1, reduction: int = REDUCTION) -> None:
        self.rungs: list[int] = []
        while first < epochs:
            self.rungs.append(first)
            first *= reduction
        self._reduction = reduction
        self._at: dict[int, list[tuple[int, float]]] = {rung: [] for rung in self.rungs}

    def learn(self, number: int, curve: Curve, completed: bool) -> None:
        accuracies = dict(curve)
        for rung in self.rungs:
            if rung in accuracies:
                self._at[rung].append((number, _best_until(accuracies, rung)))

    def prunes(self, number: int, curve: Mapping[int, float], before: int) -> bool:
        epoch = max(curve)
        if epoch not in self._at:
            return False
        mine = max(curve.values())
        others = [accuracy for other, accuracy in self._at[epoch] if other < before]
        better = sum(accuracy > mine for accuracy in others)
        # With fewer than η at the rung, its best one goes on (Optuna does the same).
        return better >= max(1, (len(others) + 1) // self._reduction)


class HyperbandRule:
    """Hyperband (Li et al. 2018): brackets of successive halving that differ in their first rung.

    Bracket s starts at η^s epochs. Trials are dealt out in turn so that each bracket may spend about the same
    number of epochs; within one, trials are compared with each other only.
    """

    def __init__(self, epochs: int, reduction: int = REDUCTION) -> None:
        self.brackets: list[HalvingRule] = []
        first = 1
        while first < epochs:
            self.brackets.append(HalvingRule(epochs, first, reduction))
            first *= reduction
        # A trial of a bracket with k rungs is stopped early more often: about (k + 1) rungs share its epochs.
        shares = [len(bracket.rungs) + 1 for bracket in self.brackets]
        self._turns = [i for i, share in enumerate(shares) for _ in range(share)]

    def bracket(self, number: int) -> HalvingRule:
        """The bracket of a trial."""
        return self.brackets[self._turns[number % len(self._turns)]]

    def learn(self, number: int, curve: Curve, completed: bool) -> None:
        if self.brackets:
            self.bracket(number).learn(number, curve, completed)

    def prunes(self, number: int, curve: Mapping[int, float], before: int) -> bool:
        return bool(self.brackets) and self.bracket(number).prunes(number, curve, before)


PRUNERS = ("none", "median", "halving", "hyperband")


def rule(name: str, epochs: int) -> Rule | None:
    """The rule called ``name`` for trainings of ``epochs``; None for "none". Raises UnknownNameError."""
    if name == "none":
        return None
    if name == "median":
        return MedianRule()
    if name == "halving":
        return HalvingRule(epochs)
    if name == "hyperband":
        return HyperbandRule(epochs)
    raise UnknownNameError("pruner", name, PRUNERS)


def _best_until(accuracies: Mapping[int, float], epoch: int) -> float:
    return max(accuracy for at, accuracy in accuracies.items() if at <= epoch)
