"""The schedule of a training: the share of it that lies behind after each step, also where its end is moved on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

End = tuple[int, int]
"""(step, total): from this step on the training is to end with step ``total``."""


@dataclass(frozen=True)
class Schedule:
    """Where a training stands between its beginning (0) and its end (1), by its steps.

    ``total`` is the number of steps; from step ``at`` on, where ``share`` of the schedule lay behind, the rest is
    even.
    """

    total: int
    at: int = 0
    share: float = 0.0

    @classmethod
    def of(cls, total: int, ends: Iterable[End]) -> Schedule:
        """The schedule of ``total`` steps whose end was moved by ``ends``, in order."""
        schedule = cls(total)
        for step, moved in ends:
            schedule = cls(moved, step, schedule.position(step) / schedule.total)
        return schedule

    def position(self, step: int) -> float:
        """The step at which a schedule of ``total`` steps whose end never moved would stand now."""
        if self.at == 0:
            return step
        passed = (step - self.at) / max(1, self.total - self.at)
        return self.total * (self.share + (1 - self.share) * passed)
