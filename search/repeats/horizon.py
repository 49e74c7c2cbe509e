"""How many trials a search will have: as many as it may, or as its epochs or seconds allow, judged by those so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import inf

from results.trial_result import TrialResult
from search.settings import RunSettings


@dataclass
class Horizon:
    """Takes results in, in order of number; what it says is a function of them and of the budgets alone."""

    budgets: RunSettings
    _trials: int = 0
    _epochs: int = 0
    _seconds: float = 0.0
    _until: datetime | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether the number of trials is known before any has ended."""
        return self.budgets.max_epochs is None and self.budgets.max_seconds is None

    def tell(self, result: TrialResult) -> None:
        """Counts a finished trial in: its epochs, and the time in which no earlier trial ran."""
        self._trials += 1
        if result.measured_by is None:
            self._epochs += result.epochs or 0
        if result.started is None or result.finished is None:
            return
        begun = result.started if self._until is None else max(result.started, self._until)
        if result.finished > begun:
            self._seconds += (result.finished - begun).total_seconds()
            self._until = result.finished

    def trials(self) -> int:
        """The number of trials that the search is expected to end with."""
        most: float = self.budgets.trials
        if self._trials:
            most = min(most, self._affordable(self.budgets.max_epochs, self._epochs))
            if self.budgets.max_seconds is not None:
                # Each run of the search has so many seconds.
                spent = self._seconds % self.budgets.max_seconds
                most = min(
                    most, self._affordable(self._seconds - spent + self.budgets.max_seconds, self._seconds)
                )
        return int(most)

    def _affordable(self, budget: float | None, spent: float) -> float:
        return inf if budget is None or spent <= 0 else budget / spent * self._trials
