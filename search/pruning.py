"""The median rule: a training whose best accuracy so far is below the median of others at its epoch is stopped.

The rule is that of Optuna's MedianPruner, on the accuracy whatever the objectives are (Optuna's own refuses
studies with several). It looks only at the trials whose results the search had been told when it proposed
this one, so whether a trial is pruned does not hang on the timing of workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

STARTUP_TRIALS, WARMUP_EPOCHS = 5, 1


class MedianRule:
    """Remembers the curves of completed trials by their number."""

    def __init__(self, startup_trials: int = STARTUP_TRIALS, warmup_epochs: int = WARMUP_EPOCHS) -> None:
        self._startup, self._warmup = startup_trials, warmup_epochs
        self._at: dict[int, list[tuple[int, float]]] = {}
        self._completed: list[int] = []

    def learn(self, number: int, curve: Sequence[tuple[int, float]]) -> None:
        """A trial that ran to its end."""
        self._completed.append(number)
        for epoch, accuracy in curve:
            self._at.setdefault(epoch, []).append((number, accuracy))

    def prunes(self, curve: Mapping[int, float], before: int) -> bool:
        """Whether to stop after the last epoch of ``curve``, seen from trials with numbers below ``before``."""
        epoch = max(curve)
        if epoch <= self._warmup or sum(number < before for number in self._completed) < self._startup:
            return False
        others = [accuracy for number, accuracy in self._at.get(epoch, ()) if number < before]
        return bool(others) and max(curve.values()) < median(others)
