"""The clock of a piece of work that may be killed and gone on with: the seconds spent in all of its runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_LONG_AGO = 20.0


def seconds_since_start() -> float:
    """Seconds since this process began, as far as the system says (Linux); 0 elsewhere.

    Also 0 where that is long ago: the process then did something else before.
    """
    try:
        began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf(
            "SC_CLK_TCK"
        )
        seconds = float(Path("/proc/uptime").read_text().split()[0]) - began
        return seconds if 0 < seconds < _LONG_AGO else 0.0
    except (OSError, ValueError, IndexError):
        return 0.0


class Clock:
    """Counts the seconds that were spent, ``before`` this run and in it; ``now`` is what tells the time, in seconds."""

    def __init__(self, before: float = 0.0, now: Callable[[], float] = time.monotonic) -> None:
        self._before, self._now = before, now
        self._began = now()

    def after(self, before: float) -> Clock:
        """The same clock, with what earlier runs have spent."""
        clock = Clock(self._before + before, self._now)
        clock._began = self._began
        return clock

    @property
    def spent(self) -> float:
        return self._before + self._now() - self._began

    def left(self, until: float) -> float:
        """Seconds until so many are spent; negative where they are."""
        return until - self.spent

    def moment(self, until: float) -> float:
        """The moment of ``now`` at which so many seconds will be spent."""
        return self._now() + self.left(until)
