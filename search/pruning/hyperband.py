"""Hyperband: brackets of successive halving, some of which judge later."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.pruning.halving import REDUCTION, HalvingRule, reduction_of, rungs_of
from search.pruning.protocol import Curve, PrunerInfo

if TYPE_CHECKING:
    from evaluators.evaluator import FidelitySchedule

MOST = 0.5
"""Share of the steps of whole trials that all brackets together may expect to take, where a level is an epoch."""


class HyperbandRule:
    """Hyperband (Li et al. 2018): brackets of successive halving that differ in their first rung.

    Bracket s leaves out the first s rungs, and compares only its own trials with each other. Trials are assigned so
    that every bracket is expected to spend the same number of steps; brackets that stop early get more trials. A
    bracket that judges late saves little, and its first trial cannot be stopped. So it gets a trial only if all brackets
    together are then expected to take at most the share ``most`` of the steps of whole trials: a short search
    uses the first bracket alone. Completed trials have ``steps`` steps.
    """

    def __init__(
        self, rungs: Sequence[int], steps: int, brackets: int, reduction: float = REDUCTION, most: float = 1.0
    ) -> None:
        self.brackets = [HalvingRule(rungs[skipped:], reduction) for skipped in range(max(1, brackets))]
        self._expected = [expected_steps(bracket.rungs, steps, reduction) for bracket in self.brackets]
        self._steps, self._most = steps, most
        self._spent = [0.0] * len(self.brackets)
        self._assigned: list[int] = []

    def bracket(self, number: int) -> HalvingRule:
        """The bracket of a trial."""
        while len(self._assigned) <= number:
            self._assign()
        return self.brackets[self._assigned[number]]

    def _assign(self) -> None:
        costs = [
            expected if spent else float(self._steps)
            for expected, spent in zip(self._expected, self._spent, strict=True)
        ]
        most = self._most * self._steps * (len(self._assigned) + 1)
        affordable = [s for s in range(len(self.brackets)) if s == 0 or sum(self._spent) + costs[s] <= most]
        chosen = min(affordable, key=self._spent.__getitem__)
        self._spent[chosen] += costs[chosen]
        self._assigned.append(chosen)

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


def expected_steps(rungs: Sequence[int], steps: int, reduction: float = REDUCTION) -> float:
    """Steps that a trial takes on average if 1/``reduction`` of those that reach a rung go on from it."""
    ends = [*rungs, steps]
    shares: list[float] = [
        (b - a) / reduction**k for k, (a, b) in enumerate(itertools.pairwise(ends), start=1)
    ]
    return ends[0] + sum(shares)


def hyperband(schedule: FidelitySchedule) -> HyperbandRule:
    """The rule for a schedule."""
    rungs, steps = rungs_of(schedule), schedule.levels
    # A bracket whose first rung comes after a third of the epochs can save little.
    brackets = len(rungs) if schedule.restarts else sum(3 * rung <= steps for rung in rungs)
    most = 1.0 if schedule.restarts else MOST
    return HyperbandRule(rungs, steps, brackets, reduction_of(schedule), most)


PRUNER = PrunerInfo("hyperband", "halving in brackets, some of which judge later", hyperband)
