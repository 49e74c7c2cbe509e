"""One network scaled to use a budget, or to cost what another does, whatever becomes of its direction.

For stock networks under budgets, and for networks that are compared at equal cost. Families are scaled along the
compound ray (``space.family``).

A budget is met in two steps. The first finds the largest φ whose rounded network stays under it, by bisection on
the real cost. (The formula α·β²·γ² is a poor guide: at φ = 1 EfficientNet-B0 grows 2.57 times, not 1.92.)
Rounding leaves steps between neighbouring φ, often of 10–30 %. The second step therefore uses the rest of the
budget in small moves: one more layer in a stage, one channel step in a part, a few pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from space.architecture import Architecture
from space.cost import costs
from space.errors import BudgetError, InputError, ShapeError
from space.lattice import Cost
from space.rounding import RELEASED, Rounding
from space.scaling import PAPER, Coefficients, Plan, build, deeper, wider
from space.scaling.ray import PHI_STEP, Ray

WIDTH = Coefficients(1, 2, 1)
"""Scales the width alone."""
_Spent = tuple[Plan, float, tuple[str, ...]]
_BEAM = 6
_MOST_MOVES = 24


@dataclass(frozen=True, slots=True)
class Scaled:
    """A network that was scaled to a cost.

    ``phi`` is what the compound rule gives, ``moves`` what was added after it; ``cost`` is in the budget's unit.
    """

    architecture: Architecture
    phi: float
    cost: float
    moves: tuple[str, ...] = ()


@dataclass(slots=True)
class _Grower:
    """The settings and the remaining evaluations of the search for one member."""

    base: Architecture
    cost: Cost
    coefficients: Coefficients
    rounding: Rounding
    pixels: int
    evaluations: int

    @property
    def ray(self) -> Ray:
        return Ray(self.base, self.coefficients, self.rounding)

    def at(self, phi: float) -> Plan:
        return self.ray.at(phi)

    def price(self, plan: Plan) -> float:
        self.evaluations -= 1
        return self.cost(build(self.base, plan, self.rounding))

    def moves(self, plan: Plan) -> Iterator[tuple[str, Plan]]:
        """(what it is, the plan after it) for every small move from ``plan``, in the dimensions that scale."""
        last = len(self.base.stages) - 1
        for stage in range(len(self.base.stages)) if self.coefficients.alpha > 1 else ():
            if self.rounding.ends == "fixed" and stage in (0, last):
                continue
            more = deeper(self.base, plan, stage)
            if more is not None:
                yield f"stage {stage + 1} one layer more", more
        for part in range(len(plan.widths)) if self.coefficients.beta > 1 else ():
            more = wider(self.base, plan, part, self.rounding)
            if more is not None:
                name = {0: "stem", last + 2: "head"}.get(part, f"stage {part}")
                yield f"{name} {self.rounding.channel_multiple} channels wider", more
        if self.coefficients.gamma > 1:
            yield f"{self.pixels} px more", replace(plan, resolution=plan.resolution + self.pixels)


def within_budget(
    architecture: Architecture,
    budget: float,
    cost: Cost,
    *,
    measure: str = "macs",
    coefficients: Coefficients = PAPER,
    rounding: Rounding = RELEASED,
    pixels: int = 8,
    wanted: float = 0.99,
    evaluations: int = 2000,
) -> Scaled:
    """The scaled network that uses ``budget`` best without going over it.

    ``cost`` gives a network's cost in the unit of ``budget`` (``measure`` names it in messages). Small moves
    stop once the share ``wanted`` is used; ``evaluations`` bounds the calls of ``cost``, for costs that are
    measured. Raises BudgetError where the smallest network that rounding allows costs more than the budget.
    """
    if not budget > 0:
        raise InputError.of("budget", f"a positive number of {measure}", budget)
    if pixels < 1:
        raise InputError.of("pixels", "a step of 1 px or more", pixels)
    step = max(pixels, rounding.resolution_multiple)
    grower = _Grower(architecture, cost, coefficients, rounding, step, evaluations)
    phi, price = grower.ray.largest_phi(grower.price, budget, measure)
    best = _spent(grower, grower.at(phi), price, budget, wanted)
    origin = phi
    # Where much of the budget is left, the moves have more room from a slightly smaller start.
    for lower in (0.15, 0.3, 0.5, 0.8):
        if best[1] >= min(wanted, 0.97) * budget or grower.evaluations <= 0:
            break
        start = grower.at(phi - lower)
        found = _spent(grower, start, grower.price(start), budget, wanted)
        if found[1] > best[1]:
            best, origin = found, phi - lower
    plan, price, moves = best
    return Scaled(build(architecture, plan, rounding), _short(grower, origin), price, moves)


def used(bounds: Mapping[str, float], network: Architecture) -> float:
    """The largest share of a bound (cost → bound, as ``{"macs": 5e6}``) that the network costs."""
    known = costs(network).searched()
    return max(known[cost] / bound for cost, bound in bounds.items())


def widened(architecture: Architecture, bounds: Mapping[str, float]) -> Architecture | None:
    """The network as wide as the ``bounds`` (cost → bound) allow; None where that is no wider than it is."""
    try:
        scaled = within_budget(
            architecture, 1.0, partial(used, bounds), measure="of the budget", coefficients=WIDTH
        )
    except (BudgetError, ShapeError):
        return None
    return scaled.architecture if scaled.cost > used(bounds, architecture) else None


def near_cost(
    architecture: Architecture,
    target: float,
    cost: Cost,
    *,
    coefficients: Coefficients = PAPER,
    rounding: Rounding = RELEASED,
    tolerance: float = 0.02,
) -> Scaled:
    """The scaled network whose real cost is nearest to ``target``, over it or under, for fair comparisons.

    φ is nudged first; where rounding leaves no φ within ``tolerance``, small moves follow, but only in the
    dimensions whose coefficient is above 1: a network scaled in depth alone stays so. The result may
    still be off: MACs are a staircase in resolution and depth.
    """
    grower = _Grower(architecture, cost, coefficients, rounding, rounding.resolution_multiple, 400)
    limit = target * (1 + tolerance)
    phi, price = grower.ray.largest_phi(grower.price, target, "macs")
    plan = grower.at(phi)
    best: _Spent = (plan, price, ())
    beyond = grower.at(phi + 2 * PHI_STEP)
    over = grower.price(beyond)
    if abs(over - target) < abs(price - target):
        best = (beyond, over, ())
    if abs(best[1] / target - 1) > tolerance:
        for start in (phi, phi - 0.1, phi - 0.25):
            first = grower.at(start)
            found = _spent(grower, first, grower.price(first), limit, 1 / (1 + tolerance))
            if abs(found[1] - target) < abs(best[1] - target):
                best, phi = found, start
            if abs(best[1] / target - 1) <= tolerance:
                break
    elif best[0] is beyond:
        phi += 2 * PHI_STEP
    return Scaled(build(architecture, best[0], rounding), phi, best[1], best[2])


def _short(grower: _Grower, phi: float) -> float:
    """The φ with the fewest decimals that gives the same network as ``phi``."""
    plan = grower.at(phi)
    network = build(grower.base, plan, grower.rounding)
    for digits in range(5):
        shorter = round(phi, digits) + 0.0  # no negative zero
        if build(grower.base, grower.at(shorter), grower.rounding) == network:
            return shorter
    return phi


def _spent(grower: _Grower, plan: Plan, price: float, budget: float, wanted: float) -> _Spent:
    """(plan, cost, moves) after the small moves that bring ``plan`` closest to ``budget`` from below.

    A beam search: at every depth the _BEAM plans that use the most go on.
    """
    best: _Spent = (plan, price, ())
    beam = [best]
    seen = {plan}
    for _ in range(_MOST_MOVES):
        if best[1] >= wanted * budget:
            break
        reached: list[_Spent] = []
        for here, paid, moves in beam:
            for move, after in grower.moves(here):
                if after in seen or grower.evaluations <= 0:
                    continue
                seen.add(after)
                cost = grower.price(after)
                if paid < cost <= budget:
                    reached.append((after, cost, (*moves, move)))
        if not reached:
            break
        reached.sort(key=lambda state: -state[1])
        beam = reached[:_BEAM]
        if beam[0][1] > best[1]:
            best = beam[0]
    return best
