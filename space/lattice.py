"""The lattice of a network's whole layers, channels and pixels: what its points are, cost, and have grown by.

A point is a rung of each of three ladders (``space.scaling.ladders``). Its exponents ln d / ln α, ln w / ln β and
ln r / ln γ say which φ each dimension has reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log

from space.architecture import Architecture
from space.errors import InputError
from space.limits import LARGEST_FACTOR, LARGEST_RESOLUTION, MOST_LAYERS
from space.rounding import RELEASED, Rounding
from space.scaling import PAPER, Builder, Coefficients, Plan, layers
from space.scaling.axis import FAR, Axis
from space.scaling.ladders import Pixels, depth_ladder, scaled_stages, width_ladder
from space.scaling.ray import Ray
from space.scaling.realised import width_multiplier

Cost = Callable[[Architecture], float]
Point = tuple[int, int, int]
"""Rungs of depth, width and resolution."""
NAMES = ("depth", "width", "resolution")
_PIXEL_SHARE = 32
# Exponents that differ by less are the same.
_SAME = 1e-9


def pixel_step(resolution: int) -> int:
    """The pixels of one step of the resolution: the largest power of two up to a 32nd of the network's own."""
    return 1 << max(0, (resolution // _PIXEL_SHARE).bit_length() - 1)


@dataclass(frozen=True)
class Direction:
    """How near exponents are to the ray.

    ``spread`` is the largest less the smallest of them, ``phi`` their middle: each is within half the spread of it.
    Dimensions that are ``held``, at an end of their ladder, take no part: the others share what they cannot.
    ``exponents`` are None for dimensions that do not scale.
    """

    phi: float
    spread: float
    held: tuple[str, ...]
    exponents: tuple[float | None, ...]

    @classmethod
    def of(cls, exponents: Sequence[float | None], ends: Sequence[tuple[bool, bool]]) -> Direction:
        """``ends`` say whether each dimension can go no lower, and no higher."""
        known = [(i, e) for i, e in enumerate(exponents) if e is not None]
        inner = [e for i, e in known if not any(ends[i])]
        held = {
            i
            for i, e in known
            if inner and ((ends[i][0] and e > max(inner) + _SAME) or (ends[i][1] and e < min(inner) - _SAME))
        }
        left = [e for i, e in known if i not in held]
        phi, spread = (max(left) + min(left)) / 2, max(left) - min(left)
        return cls(
            phi + 0.0,
            spread if spread > _SAME else 0.0,
            tuple(NAMES[i] for i in sorted(held)),
            tuple(exponents),
        )


@dataclass
class Lattice:
    """The lattice of ``base``. ``step`` is one step of the resolution in pixels; ``max_resolution`` the most pixels.

    ``prices`` are the costs that are known, ``layers_priced`` how many layers their networks have together.
    """

    base: Architecture
    cost: Cost
    coefficients: Coefficients = PAPER
    rounding: Rounding = RELEASED
    step: int | None = None
    max_resolution: int | None = None
    measure: str = "macs"
    axes: tuple[Axis, Axis, Axis] = field(init=False)
    ray: Ray = field(init=False)
    build: Builder = field(init=False)
    prices: dict[Point, float] = field(default_factory=dict)
    layers_priced: int = 0

    def __post_init__(self) -> None:
        base, rule = self.base, self.coefficients
        self.free = (rule.alpha > 1, rule.beta > 1, rule.gamma > 1)
        self.ray = Ray(base, rule, self.rounding, self.max_resolution)
        self.build = Builder(base, self.rounding)
        self._costs: dict[Plan, float] = {}
        self._own = tuple(map(layers, base.stages))
        self._depth, self._width = depth_ladder(base, self.rounding), width_ladder(base, self.rounding)
        most = min(self.ray.most_pixels or LARGEST_RESOLUTION, LARGEST_RESOLUTION)
        step = pixel_step(base.resolution) if self.step is None else self.step
        if step < 1:
            raise InputError.of("pixels", "a step of 1 px or more", step)
        self._pixels = Pixels.of(base, step, most, self.rounding)
        self.axes = (
            Axis(self._depth.bottom, self._has_depth, self._depth_exponent),
            Axis(self._width.bottom, self._has_width, self._width_exponent),
            Axis(self._pixels.bottom, self._pixels.has, self._pixel_exponent),
        )

    def _has_depth(self, rung: int) -> bool:
        return self._depth.has(rung) and sum(self._depth.rung(rung)) <= MOST_LAYERS

    def _has_width(self, rung: int) -> bool:
        return self._width.has(rung) and max(self._width.rung(rung)) <= LARGEST_FACTOR

    def _depth_exponent(self, rung: int) -> float:
        return log(sum(self._depth.rung(rung)) / sum(self._own)) / log(self.coefficients.alpha)

    def _width_exponent(self, rung: int) -> float:
        return self.width_exponent(self._width.rung(rung))

    def width_exponent(self, widths: tuple[float, ...]) -> float:
        """The φ that the stages have reached in width, by the factors of the parts."""
        wide = self.build(Plan(self._own, widths, self.base.resolution))
        return log(width_multiplier(self.base, wide)) / log(self.coefficients.beta)

    def _pixel_exponent(self, rung: int) -> float:
        return log(self._pixels.rung(rung) / self.base.resolution) / log(self.coefficients.gamma)

    def plan(self, point: Point) -> Plan:
        """The plan of a point."""
        repeats = tuple(map(int, self._depth.rung(point[0])))
        return Plan(repeats, self._width.rung(point[1]), self._pixels.rung(point[2]))

    def price(self, point: Point) -> float:
        """What a point's network costs, computed once."""
        if point not in self.prices:
            plan = self.plan(point)
            self.layers_priced += sum(plan.repeats)
            self.prices[point] = self.cost_of(plan)
        return self.prices[point]

    def cost_of(self, plan: Plan) -> float:
        """What the network of a plan costs, on the lattice or beside it, computed once."""
        if plan not in self._costs:
            self._costs[plan] = self.cost(self.build(plan))
        return self._costs[plan]

    def exponents(self, point: Point) -> tuple[float | None, ...]:
        """The φ that each dimension has reached; None where it does not scale."""
        return tuple(
            axis.exponent(rung) if free else None
            for axis, rung, free in zip(self.axes, point, self.free, strict=True)
        )

    @property
    def scaled_stages(self) -> tuple[int, ...]:
        """The stages whose layers are scaled."""
        return scaled_stages(self.base, self.rounding) if self.free[0] else ()

    @property
    def least_repeats(self) -> tuple[float, ...]:
        """The fewest layers of each stage."""
        return tuple(self._depth.lowest)

    def ends(self, point: Point) -> tuple[tuple[bool, bool], ...]:
        """For each dimension whether it can go no lower, and no higher."""
        return tuple(axis.is_end(rung) for axis, rung in zip(self.axes, point, strict=True))

    def direction(self, point: Point) -> Direction:
        """How near a point is to the ray."""
        return Direction.of(self.exponents(point), self.ends(point))

    def direction_of(self, plan: Plan, point: Point) -> Direction:
        """How near a plan is that differs from ``point`` in single stages and parts."""
        depth, _, resolution = self.exponents(point)
        width = self.width_exponent(plan.widths) if self.free[1] else None
        return Direction.of((depth, width, resolution), self.ends(point))

    def bounds(self, low: Plan | None, high: Plan | None) -> tuple[Point, Point] | None:
        """(lowest, highest) rungs between two plans; None where the ladders have none. FAR where nothing bounds one."""
        lowest, highest = [], []
        for place, axis in enumerate(self.axes):
            least, most = axis.bottom, FAR
            if low is not None:
                least = axis.where(self._not_below(low, place), axis.bottom, FAR)
            if high is not None:
                beyond = axis.where(self._above(high, place), axis.bottom, FAR)
                most = beyond - 1 if self._above(high, place)(beyond) else beyond
            if not self.free[place]:
                least, most = max(least, 0), min(most, 0)
            if least > most or (low is not None and not self._not_below(low, place)(least)):
                return None
            lowest.append(least)
            highest.append(most)
        return (lowest[0], lowest[1], lowest[2]), (highest[0], highest[1], highest[2])

    def _numbers(self, place: int, rung: int) -> tuple[float, ...]:
        """The numbers of a rung: repeats, width factors or pixels."""
        return (self._depth.rung, self._width.rung, lambda k: (self._pixels.rung(k),))[place](rung)

    def _not_below(self, plan: Plan, place: int) -> Callable[[int], bool]:
        """Whether a rung has all that ``plan`` has, which all above it have, too."""
        own = (plan.repeats, plan.widths, (plan.resolution,))[place]
        return lambda rung: all(a >= b for a, b in zip(self._numbers(place, rung), own, strict=True))

    def _above(self, plan: Plan, place: int) -> Callable[[int], bool]:
        """Whether a rung has something more than ``plan``, which all above it have, too."""
        own = (plan.repeats, plan.widths, (plan.resolution,))[place]
        return lambda rung: any(a > b for a, b in zip(self._numbers(place, rung), own, strict=True))
