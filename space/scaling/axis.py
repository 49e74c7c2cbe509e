"""One dimension of a lattice: its rungs by number, and the φ that each of them has reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

FAR = 10**9
"""The number of a rung above all that there are."""


@dataclass(slots=True)
class Axis:
    """Rungs from ``bottom`` (0 or below) upwards as long as they ``has`` one; rung 0 is the network itself.

    ``exponent`` gives the φ that a rung has reached, which never falls from rung to rung.
    """

    bottom: int
    has: Callable[[int], bool]
    exponent_of: Callable[[int], float]
    _known: dict[int, float] = field(default_factory=dict)

    def exponent(self, rung: int) -> float:
        """The φ of a rung, 0 for rung 0."""
        if rung not in self._known:
            self._known[rung] = self.exponent_of(rung)
        return self._known[rung]

    def is_end(self, rung: int) -> tuple[bool, bool]:
        """Whether there is none below the rung, and none above it."""
        return rung == self.bottom, not self.has(rung + 1)

    def first(self, phi: float, low: int, high: int) -> int:
        """The first rung in [low, high] that has reached ``phi``; the last there is where none has."""
        return self.where(lambda rung: self.exponent(rung) >= phi, low, high)

    def last(self, phi: float, low: int, high: int) -> int:
        """The last rung in [low, high] that has not gone beyond ``phi``; ``low`` where all have."""
        beyond = self.where(lambda rung: self.exponent(rung) > phi, low, high)
        return beyond if self.exponent(beyond) <= phi else max(low, beyond - 1)

    def where(self, true: Callable[[int], bool], low: int, high: int) -> int:
        """The first rung in [low, high] at which ``true`` holds, and from there on; the last there is where it never does."""
        if true(low):
            return low
        below, step = low, 1
        while True:
            above = min(below + step, high)
            if not self.has(above):
                above = self._last_of(below, above)
            if above == below or true(above):
                break
            below, step = above, 2 * step
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (below, middle) if true(middle) else (middle, above)
        return above

    def _last_of(self, there: int, beyond: int) -> int:
        """The last rung there is from ``there`` on, before ``beyond``."""
        while beyond - there > 1:
            middle = (there + beyond) // 2
            there, beyond = (middle, beyond) if self.has(middle) else (there, middle)
        return there
