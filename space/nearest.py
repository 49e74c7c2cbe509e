"""The network of a lattice that uses a budget and lies nearest to the compound ray.

A bounded search that misses nothing, by three facts. Costs do not fall along a ladder: where the rungs that have
reached at most φ₁ together cost more than the budget, and those that have reached at least φ₀ less than is to be
used, every point that uses the budget has its exponents within one spread of [φ₀, φ₁]. For a pair of depth and
resolution, the spread that is wanted bounds the width from both sides, and the costs of the two ends tell whether
anything lies between; there, costs are bisected. And the bound on the spread begins small and is doubled until
something is found, which is then the least of all.

Where no point lies within a bound, or none within ``NEAR`` of φ, rungs may be taken out of turn before the bound is
doubled: a layer in another stage than that whose turn it is, or one or two parts a channel step wider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations
from math import inf, log

from space.lattice import Direction, Lattice, Point
from space.scaling import Plan, deeper, wider

LEAST_USED = 0.97
"""The share of its budget that a member of a family uses wherever the lattice allows it."""
NEAR = 0.35
"""The spread, as a share of φ, up to which a network counts as compound."""
_FIRST_SPREAD, _MOST_SPREAD = 0.1, 12.0
_FARTHEST = 50.0
_PRECISION = 0.05
# For one budget: layers of all even networks that are priced, and uneven networks under each bound times the blocks of the base.
_MOST_EVEN, _MOST_UNEVEN = 150_000, 20_000
_OUT_OF_REACH = 1.3
_MOST_WIDTHS = 200


@dataclass(frozen=True)
class Found:
    """A network of the lattice, or beside it: its plan, cost, and how near to the ray it is."""

    plan: Plan
    cost: float
    direction: Direction

    @property
    def is_near(self) -> bool:
        """Whether the spread is at most ``NEAR`` of φ."""
        return self.direction.spread <= NEAR * abs(self.direction.phi)

    def uses(self, budget: float) -> bool:
        """Whether the network costs about as much as the budget, and no more."""
        return LEAST_USED * budget <= self.cost <= budget

    def is_member(self, budget: float) -> bool:
        """Whether the network uses the budget and is near to the ray."""
        return self.uses(budget) and self.is_near

    @property
    def rank(self) -> tuple[float, float]:
        """Least first: the spread, then the share of the budget that is left."""
        return round(self.direction.spread, 9), -self.cost


@dataclass
class Search:
    """The search for one budget, between the lowest and the highest rungs that are allowed."""

    lattice: Lattice
    budget: float
    low: Plan | None = None
    high: Plan | None = None
    _over: list[Point] = field(default_factory=list)
    _short: list[Point] = field(default_factory=list)

    def nearest(self) -> Found | None:
        """The network that uses the budget, or as much of it as any that was tried; None where all cost more.

        Raises BudgetError where the smallest network that rounding allows costs more than the budget, or the largest
        that is computed with less.
        """
        phi, bounds = self._phi(), self.lattice.bounds(self.low, self.high)
        if bounds is None:
            return None
        self.lowest, self.highest = bounds
        self._first = self.lattice.layers_priced
        if self._is_over(self.lowest):
            return self._uneven_alone(phi)
        self._window(phi)
        spread, near = _FIRST_SPREAD, max(_FIRST_SPREAD, NEAR * abs(phi))
        while spread < near and not self._exhausted:
            found = self._even(spread)
            if found is not None and found.is_near:
                return found
            spread *= 2
        spread = near
        while spread < _MOST_SPREAD and not self._exhausted:
            found = self._even(spread)
            if found is None or not found.is_near:
                found = self._uneven(spread, found)
            if found is not None:
                return found
            spread *= 2
        return self._most()

    def _uneven_alone(self, phi: float) -> Found | None:
        """The uneven network of the least spread, where ``low`` is so uneven that all even ones around it cost too much."""
        bounds = self.lattice.bounds(None, self.high)
        if self.low is None or bounds is None or self._is_over(bounds[0]):
            return None
        self.lowest, self.highest = bounds
        self._window(phi)
        spread = max(_FIRST_SPREAD, NEAR * abs(phi))
        while spread < _MOST_SPREAD and not self._exhausted:
            found = self._uneven(spread, None)
            if found is not None:
                return found
            spread *= 2
        return None

    @property
    def _exhausted(self) -> bool:
        return self.lattice.layers_priced - self._first > _MOST_EVEN

    def _most(self) -> Found:
        """The point that uses most of the budget, of those that have been priced."""
        within = [
            (price, point)
            for point, price in self.lattice.prices.items()
            if price <= self.budget and self._inside(self.lattice.plan(point))
        ]
        price, point = max(within)
        return Found(self.lattice.plan(point), price, self.lattice.direction(point))

    def _inside(self, plan: Plan) -> bool:
        return (self.low is None or self.low.fits_in(plan)) and (self.high is None or plan.fits_in(self.high))

    # Costs, remembered as bounds: what is larger than something over the budget is over it, too.

    def _is_over(self, point: Point) -> bool:
        if any(all(a >= b for a, b in zip(point, one, strict=True)) for one in self._over):
            return True
        if self.lattice.price(point) <= self.budget:
            return False
        self._over.append(point)
        return True

    def _is_short(self, point: Point) -> bool:
        if any(all(a <= b for a, b in zip(point, one, strict=True)) for one in self._short):
            return True
        if self.lattice.price(point) >= LEAST_USED * self.budget:
            return False
        self._short.append(point)
        return True

    # The ray.

    def _phi(self) -> float:
        lattice = self.lattice
        return lattice.ray.largest_phi(lattice.cost_of, self.budget, lattice.measure, _PRECISION)[0]

    def _below(self, phi: float) -> Point:
        """The rungs that have reached at most ``phi``."""
        return self._rungs(lambda i: self.lattice.axes[i].last(phi, self.lowest[i], self.highest[i]))

    def _above(self, phi: float) -> Point:
        """The rungs that have reached at least ``phi``."""
        return self._rungs(lambda i: self.lattice.axes[i].first(phi, self.lowest[i], self.highest[i]))

    def _rungs(self, rung: Callable[[int], int]) -> Point:
        free = self.lattice.free
        depth, width, resolution = (rung(i) if free[i] else 0 for i in range(3))
        return depth, width, resolution

    def _window(self, phi: float) -> None:
        """[φ₀, φ₁], in which or within one spread of which all exponents lie."""
        self._phi_over = self._first_phi(phi, 1, lambda at: self._is_over(self._below(at)))
        self._phi_short = self._first_phi(phi, -1, lambda at: self._is_short(self._above(at)))

    def _first_phi(self, start: float, sign: int, true: Callable[[float], bool]) -> float:
        """The φ nearest to ``start`` in the direction of ``sign`` at which ``true`` holds, to _PRECISION; infinite where none."""
        step, off = _PRECISION, 0.0
        while not true(start + sign * step):
            off, step = step, 2 * step
            if step > _FARTHEST:
                return sign * inf
        while step - off > _PRECISION:
            middle = (step + off) / 2
            off, step = (off, middle) if true(start + sign * middle) else (middle, step)
        return start + sign * step

    # Even networks: the points of the lattice.

    def _even(self, spread: float) -> Found | None:
        """The point of the least spread up to ``spread``."""
        best: Found | None = None
        for depth, resolution in self._pairs(spread):
            if self._exhausted:
                break
            ends = self._ends_of_width(depth, resolution, spread)
            found = None if ends is None else self._within(depth, resolution, *ends)
            if found is not None and (best is None or found.rank < best.rank) and found.rank[0] <= spread:
                best, spread = found, found.direction.spread
        return best

    def _pairs(self, spread: float) -> list[tuple[int, int]]:
        """Rungs of depth and resolution that may have a width within ``spread``, the likeliest first."""
        pairs = [(n, k) for n in self._range(0, spread) for k in self._range(2, spread)]
        return sorted(pairs, key=self._expected)

    def _range(self, which: int, spread: float) -> range:
        low, high = self.lowest[which], self.highest[which]
        if not self.lattice.free[which]:
            return range(1)
        axis = self.lattice.axes[which]
        first = axis.first(self._phi_short - spread, low, high)
        last = axis.last(self._phi_over + spread, low, high)
        return range(min(first, last), max(first, last) + 1)

    def _expected(self, pair: tuple[int, int]) -> float:
        """The spread to be expected where MACs grow as d·w²·r²."""
        rule, (depth, _, resolution) = (
            self.lattice.coefficients,
            self.lattice.exponents((pair[0], 0, pair[1])),
        )
        phi, left = (self._phi_over + self._phi_short) / 2, 0.0
        logs = (log(rule.alpha), 2 * log(rule.beta), 2 * log(rule.gamma))
        known = [one for one in (depth, resolution) if one is not None]
        if abs(phi) < inf and self.lattice.free[1]:
            left = phi * sum(logs) - (depth or 0.0) * logs[0] - (resolution or 0.0) * logs[2]
            known.append(left / logs[1])
        return max(known) - min(known) if len(known) > 1 else abs(known[0] - phi) if known else 0.0

    def _ends_of_width(self, depth: int, resolution: int, spread: float) -> tuple[int, int] | None:
        """The first and the last rung of width that ``spread`` allows beside these; None where there is none."""
        low, high = self.lowest[1], self.highest[1]
        if not self.lattice.free[1]:
            return 0, 0
        axis, start = self.lattice.axes[1], (depth, low, resolution)
        inner = [
            e
            for i, e in enumerate(self.lattice.exponents(start))
            if i != 1 and e is not None and not any(self.lattice.axes[i].is_end(start[i]))
        ]
        least, most = (max(inner), min(inner)) if inner else (self._phi_short, self._phi_over)
        if least - most > spread and inner:
            return None
        first = axis.first(least - spread, low, high)
        last = axis.last(most + spread, low, high)
        if axis.bottom == low and axis.exponent(low) > most:
            first, last = low, max(low, last)  # a width that can go no lower is held
        return (first, last) if first <= last else None

    def _within(self, depth: int, resolution: int, first: int, last: int) -> Found | None:
        """The width from ``first`` to ``last`` of the least spread among those that use the budget."""
        if self._is_over((depth, first, resolution)) or self._is_short((depth, last, resolution)):
            return None
        axis = self.lattice.axes[1]
        if first < last:
            first = axis.where(lambda j: not self._is_short((depth, j, resolution)), first, last)
            over = axis.where(lambda j: self._is_over((depth, j, resolution)), first, last)
            last = over - 1 if self._is_over((depth, over, resolution)) else over
        if first > last:
            return None
        start = (depth, first, resolution)
        others = [e for i, e in enumerate(self.lattice.exponents(start)) if i != 1 and e is not None]
        middle = axis.last(max(others), first, last) if others and self.lattice.free[1] else last
        found = []
        for width in {first, middle, min(last, middle + 1), last}:
            point = (depth, width, resolution)
            found.append(
                Found(self.lattice.plan(point), self.lattice.price(point), self.lattice.direction(point))
            )
        return min(found, key=lambda one: one.rank)

    # Uneven networks: rungs out of turn.

    def _uneven(self, spread: float, best: Found | None) -> Found | None:
        """The network of the least spread, up to ``spread``, with a rung or two out of turn; ``best`` where that is less."""
        tries = _MOST_UNEVEN // len(self.lattice.base.blocks)
        for nearness, point in self._points(spread if best is None else best.direction.spread):
            if tries <= 0 or (best is not None and nearness >= best.direction.spread):
                break
            tries -= 1
            share = self.lattice.price(point) / self.budget
            if not 1 / _OUT_OF_REACH < share < _OUT_OF_REACH:
                continue
            for plan in self._out_of_turn(self.lattice.plan(point), share < 1):
                tries -= 1
                found = self._tried(plan, point)
                if found is None or found.direction.spread > spread:
                    continue
                if best is None or found.rank < best.rank:
                    best = found
        return best

    def _points(self, spread: float) -> list[tuple[float, Point]]:
        """(spread, point) of all points up to ``spread``, the nearest to the ray first."""
        found = []
        for depth, resolution in self._pairs(spread):
            ends = self._ends_of_width(depth, resolution, spread)
            for width in range(ends[0], min(ends[1], ends[0] + _MOST_WIDTHS) + 1) if ends else ():
                point = (depth, width, resolution)
                found.append((self.lattice.direction(point).spread, point))
        return sorted(one for one in found if one[0] <= spread)

    def _out_of_turn(self, plan: Plan, larger: bool) -> Iterator[Plan]:
        """The plans around ``plan``: a layer in another stage; if they may be ``larger``, one or two parts a step wider."""
        lattice = self.lattice
        for gives, gets in permutations(lattice.scaled_stages, 2):
            fewer = list(plan.repeats)
            fewer[gives] -= 1
            moved = deeper(lattice.base, replace(plan, repeats=tuple(fewer)), gets)
            if moved is not None and fewer[gives] >= lattice.least_repeats[gives]:
                yield moved
        parts = range(len(plan.widths)) if larger and lattice.free[1] else ()
        for some in (*combinations(parts, 1), *combinations(parts, 2)):
            wide: Plan | None = plan
            for part in some:
                wide = None if wide is None else wider(lattice.base, wide, part, lattice.rounding)
            if wide is not None:
                yield wide

    def _tried(self, plan: Plan, point: Point) -> Found | None:
        """The network of ``plan``, near ``point``; None where it does not use the budget or is beyond the bounds."""
        if not self._inside(plan):
            return None
        cost = self.lattice.cost_of(plan)
        if not LEAST_USED * self.budget <= cost <= self.budget:
            return None
        return Found(plan, cost, self.lattice.direction_of(plan, point))
