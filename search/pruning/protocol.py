"""What a pruning rule is: it follows accuracies step by step and says which trials are to be stopped.

A rule looks at the accuracy, whatever the objectives are (Optuna's own pruners refuse several). A step is an epoch,
or one training of a multi-fidelity schedule. Whether a trial is pruned is a function of the results of trials with
smaller numbers: it depends neither on the timing of workers nor on whether the search was resumed. A rule that needs
a result which is not there yet lets the trial go on and judges it later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evaluators.evaluator import FidelitySchedule

Curve = Sequence[tuple[int, float]]
"""(step, accuracy), in order."""


class Rule(Protocol):
    """Follows trials and says which of them are to be stopped.

    The loop calls ``begin`` in the order of the trials' numbers and ``report`` in the order of a trial's steps. It
    asks for ``stops`` after each step, and calls ``end`` once for every trial, also for those that were stopped.
    """

    def begin(self, number: int, before: int) -> None:
        """A trial starts that was suggested from the results of the trials with numbers below ``before``."""

    def report(self, number: int, step: int, accuracy: float) -> None:
        """A running trial has reached ``step``."""

    def stops(self) -> list[tuple[int, int]]:
        """(number, step at which it lost) of running trials that are to be stopped; each is named once."""

    def waits(self, number: int) -> bool:
        """Whether a trial still has to be judged at a step it has reached."""

    def end(self, number: int, curve: Curve, completed: bool) -> None:
        """A trial has ended with this curve, in this run or an earlier one; ``completed`` if it was not pruned."""


@dataclass(frozen=True)
class PrunerInfo:
    """A pruning rule by name: a line of description, and how it is made for a fidelity schedule."""

    name: str
    description: str
    make: Callable[[FidelitySchedule], Rule | None]
