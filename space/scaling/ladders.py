"""Ladders: the order in which a network's layers, channels and pixels grow, one step at a time.

A rounding policy turns one common factor into whole numbers for every stage and part. As the factor rises, the
numbers step up one after the other. A ladder holds the states between the steps, so each of its rungs is the whole
network at one common factor: all stages as deep, or all parts as wide, as evenly as rounding allows. Where several
step at the same factor, they do so one at a time, the later ones first (but the stem with the first stage, so that
shortcuts of the first stage stay identities). Rung 0 is the network itself, rungs below it are smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

from space.architecture import Architecture
from space.rounding import RELEASED, Rounding
from space.scaling.depth import layers, repeatable_form, repeated
from space.scaling.multipliers import smallest_resolution
from space.scaling.width import channel_fields

# Factors that differ by less are the same one: they are products of whole numbers and a rounding error.
_SAME = 1 + 1e-7

Step = Callable[[int, float], tuple[float, float] | None]
"""(part, its number) → (the common factor of its next step, its number after it); None where there is none."""


@dataclass(slots=True)
class Ladder:
    """The rungs of one dimension: a number for each part. ``rung(0)`` is the network itself.

    Made from ``lowest``, the numbers at the bottom; ``step`` says how they go on, and ``start`` what the network
    has. Parts that step at the same factor do so one at a time, but for those ``together``. Rungs above 0 are made
    when they are asked for.
    """

    lowest: Sequence[float]
    start: Sequence[float]
    step: Step
    together: tuple[int, ...] = ()
    _rungs: list[tuple[float, ...]] = field(default_factory=list)
    _ahead: list[tuple[float, int, float]] = field(default_factory=list)
    _zero: int = 0

    def __post_init__(self) -> None:
        self._rungs.append(tuple(self.lowest))
        for part, number in enumerate(self.lowest):
            self._wait(part, number)
        while self._rungs[-1] != tuple(self.start) and self._grow():
            self._zero += 1

    def _wait(self, part: int, number: float) -> None:
        after = self.step(part, number)
        if after is not None:
            heappush(self._ahead, (after[0], -part, after[1]))

    def _grow(self) -> bool:
        if not self._ahead:
            return False
        at, state = self._ahead[0][0], list(self._rungs[-1])
        while self._ahead and self._ahead[0][0] <= at * _SAME:
            _, part, number = heappop(self._ahead)
            state[-part] = number
            self._wait(-part, number)
            if not self._ahead or -part not in self.together or -self._ahead[0][1] not in self.together:
                break
        self._rungs.append(tuple(state))
        return True

    @property
    def bottom(self) -> int:
        """The number of the lowest rung, 0 or below."""
        return -self._zero

    def rung(self, index: int) -> tuple[float, ...]:
        """The numbers at a rung, which ``has``."""
        assert self.has(index)
        return self._rungs[index + self._zero]

    def has(self, index: int) -> bool:
        """Whether there is such a rung."""
        while len(self._rungs) <= index + self._zero and self._grow():
            pass
        return 0 <= index + self._zero < len(self._rungs)


def scaled_stages(architecture: Architecture, rounding: Rounding = RELEASED) -> tuple[int, ...]:
    """The stages whose layers scale: those with layers that can be repeated, but for ends that the policy fixes."""
    stages = architecture.stages
    fixed = {0, len(stages) - 1} if rounding.ends == "fixed" else set()
    return tuple(
        i
        for i, stage in enumerate(stages)
        if i not in fixed and layers(stage) > 0 and repeatable_form(stage) is not None
    )


def depth_ladder(architecture: Architecture, rounding: Rounding = RELEASED) -> Ladder:
    """The repeats of each stage; those of stages that do not scale stay as they are."""
    stages, movable = architecture.stages, scaled_stages(architecture, rounding)
    start = [layers(stage) for stage in stages]
    lowest = [layers(repeated(stage, 1)) if i in movable else start[i] for i, stage in enumerate(stages)]
    # A stage has more than k layers from this many k on: as the policy rounds.
    ahead = {"ceil": 0.0, "round": 0.5, "floor": 1.0}[rounding.repeats]

    def step(stage: int, count: float) -> tuple[float, float] | None:
        return ((count + ahead) / start[stage], count + 1) if stage in movable else None

    return Ladder(lowest, start, step)


def width_ladder(architecture: Architecture, rounding: Rounding = RELEASED, lowest: float = 0.0) -> Ladder:
    """The width factor of each part (stem, stages, head); rungs below ``lowest`` times the channels are left out."""
    parts = (architecture.stem, *(stage.blocks for stage in architecture.stages), architecture.head)
    policies = (rounding.stem, *("scaled" for _ in architecture.stages), rounding.head)
    fields = [sorted(set(channel_fields(blocks))) for blocks in parts]
    least = max(lowest, 1 / max((base for part in fields for base, _ in part), default=1) / 2)

    def channels(part: int, factor: float) -> list[int]:
        return [rounding.channels(base, factor, groups) for base, groups in fields[part]]

    def named(part: int, factor: float) -> float:
        """1 where the channels are the network's own."""
        return 1.0 if channels(part, factor) == channels(part, 1.0) else factor

    def step(part: int, factor: float) -> tuple[float, float] | None:
        if not fields[part] or policies[part] == "fixed":
            return None
        after = min(rounding.widening(base, factor, groups) for base, groups in fields[part])
        return after, named(part, after)

    def bottom(part: int) -> float:
        shrinks = fields[part] and policies[part] == "scaled" and least < 1
        return named(part, least) if shrinks else 1.0

    return Ladder([bottom(part) for part in range(len(parts))], [1.0] * len(parts), step, together=(0, 1))


@dataclass(frozen=True, slots=True)
class Pixels:
    """The pixels at each rung: the network's own, and then every ``step`` (a multiple of it where the policy has one)."""

    own: int
    step: int
    least: int
    most: float = inf
    on_multiples: bool = False

    @classmethod
    def of(
        cls, architecture: Architecture, step: int, most: float = inf, rounding: Rounding = RELEASED
    ) -> Pixels:
        multiple = rounding.resolution_multiple
        whole = -(-step // multiple) * multiple
        own = architecture.resolution
        return cls(
            own, whole, min(own, smallest_resolution(architecture, rounding)), max(own, most), multiple > 1
        )

    def rung(self, index: int) -> int:
        """Pixels at a rung; at the first beyond ``least`` or ``most`` these themselves."""
        if not self.on_multiples or index == 0:
            pixels = self.own + index * self.step
        elif index > 0:
            pixels = (self.own // self.step + index) * self.step
        else:
            pixels = (-(-self.own // self.step) + index) * self.step
        return int(max(self.least, min(self.most, pixels)))

    @property
    def bottom(self) -> int:
        """The number of the lowest rung, 0 or below."""
        rung = -((self.own - self.least) // self.step) - 2
        while not self.has(rung):
            rung += 1
        return rung

    def has(self, index: int) -> bool:
        """Whether there is such a rung, other than the one nearer to 0."""
        return index == 0 or self.rung(index) != self.rung(index - (1 if index > 0 else -1))
