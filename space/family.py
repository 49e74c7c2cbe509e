"""Families: the same network scaled to use given budgets, on real, rounded costs.

A budget is met in two steps. The first finds the largest φ whose rounded network stays under it, by bisection on
the real cost. (The formula α·β²·γ² is a poor guide: at φ = 1 EfficientNet-B0 grows 2.57 times, not 1.92.)
Rounding leaves steps between neighbouring φ, often of 10–30 %. The second step therefore uses the rest of the
budget in small moves: one more layer in a stage, one channel step in a part, a few pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod

from space.architecture import Architecture
from space.errors import BudgetError, InputError
from space.rounding import RELEASED, Rounding
from space.scaling import (
    PAPER,
    Coefficients,
    Plan,
    beyond_limits,
    build,
    compound_plan,
    deeper,
    layers,
    wider,
)

Cost = Callable[[Architecture], float]

_Spent = tuple[Plan, float, tuple[str, ...]]
_LOWEST_PHI = -64.0
_PHI_STEP = 1e-4
_BEAM = 6
_MOST_MOVES = 24


@dataclass(frozen=True, slots=True)
class Member:
    """One network of a family.

    ``phi`` is what the compound rule gives, ``moves`` what was added after it; ``cost`` is in the budget's
    unit, ``used`` its share of the budget (1.0 and the cost itself where there was no budget). ``note`` says
    where rounding goes no lower.
    """

    architecture: Architecture
    phi: float
    depth: float
    width: float
    plan: Plan
    cost: float
    budget: float | None
    moves: tuple[str, ...] = ()
    note: str = ""

    @property
    def used(self) -> float:
        return 1.0 if self.budget is None else self.cost / self.budget


@dataclass(slots=True)
class _Grower:
    """The settings and the remaining evaluations of the search for one member."""

    base: Architecture
    cost: Cost
    coefficients: Coefficients
    rounding: Rounding
    pixels: int
    evaluations: int

    def at(self, phi: float) -> Plan:
        return compound_plan(self.base, phi, self.coefficients, self.rounding)

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


def member_at(
    architecture: Architecture,
    phi: float,
    cost: Cost,
    *,
    coefficients: Coefficients = PAPER,
    rounding: Rounding = RELEASED,
) -> Member:
    """The network at ``phi``, without a budget; its note says where rounding goes no lower."""
    target = compound_plan(architecture, phi, coefficients, rounding)
    network = build(architecture, target, rounding)
    depth, width, _ = coefficients.factors(phi)
    note = floor_note(architecture, target, coefficients, rounding) if phi < 0 else ""
    return Member(network, phi, depth, width, target, cost(network), None, (), note)


def member_for(
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
) -> Member:
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
    phi, price = _largest_phi(grower, budget, measure)
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
    origin = _short(grower, origin)
    depth, width, _ = coefficients.factors(origin)
    plan, price, moves = best
    note = floor_note(architecture, plan, coefficients, rounding) if origin < 0 else ""
    return Member(build(architecture, plan, rounding), origin, depth, width, plan, price, budget, moves, note)


def member_near(
    architecture: Architecture,
    target: float,
    cost: Cost,
    *,
    coefficients: Coefficients = PAPER,
    rounding: Rounding = RELEASED,
    tolerance: float = 0.02,
) -> Member:
    """The scaled network whose real cost is nearest to ``target``, over it or under, for fair comparisons.

    φ is nudged first; where rounding leaves no φ within ``tolerance``, small moves follow, but only in the
    dimensions whose coefficient is above 1: a network scaled in depth alone stays so. The result may
    still be off: MACs are a staircase in resolution and depth.
    """
    grower = _Grower(architecture, cost, coefficients, rounding, rounding.resolution_multiple, 400)
    limit = target * (1 + tolerance)
    phi, price = _largest_phi(grower, target, "macs")
    plan = grower.at(phi)
    best: _Spent = (plan, price, ())
    beyond = grower.at(phi + 2 * _PHI_STEP)
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
        phi += 2 * _PHI_STEP
    depth, width, _ = coefficients.factors(phi)
    network = build(architecture, best[0], rounding)
    return Member(network, phi, depth, width, best[0], best[1], target, best[2], "")


def multipliers(base: Architecture, scaled: Architecture) -> tuple[float, float, float]:
    """(depth, width, resolution) of ``scaled`` as multiples of ``base``, as they came out of rounding.

    Depth is the ratio of all layers, width the geometric mean of the stages' output channels' ratios.
    """
    depth = sum(map(layers, scaled.stages)) / sum(map(layers, base.stages))
    wide, narrow = _stage_channels(scaled), _stage_channels(base)
    width = prod(a / b for a, b in zip(wide, narrow, strict=True)) ** (1 / len(narrow))
    return depth, width, scaled.resolution / base.resolution


def _stage_channels(architecture: Architecture) -> list[int]:
    last: dict[str, int] = {}
    for path, _, segment in architecture.segments():
        if path.startswith("stages."):
            last[path.split(".")[1]] = segment.shape[0]
    return list(last.values())


def _largest_phi(grower: _Grower, budget: float, measure: str) -> tuple[float, float]:
    """(φ, cost) of the largest φ, to _PHI_STEP, whose network costs at most ``budget``."""
    low, high, step = 0.0, 0.0, 1.0
    price = grower.price(grower.at(0.0))
    if price <= budget:
        highest = _highest_phi(grower)
        while True:
            high = min(low + step, highest)
            after = grower.price(grower.at(high))
            if after > budget:
                break
            if high == highest:
                raise BudgetError(
                    f"budget: wanted less than {after:,.6g} {measure}, what the largest network that is computed "
                    f"with costs ({_size(grower.at(high))}), got {budget:,.6g}"
                )
            low, price, step = high, after, step * 2
    else:
        while True:
            low = max(high - step, _LOWEST_PHI)
            price = grower.price(grower.at(low))
            if price <= budget:
                break
            if low <= _LOWEST_PHI:
                raise BudgetError(
                    f"budget: wanted at least {price:,.6g} {measure}, what the smallest network that rounding "
                    f"allows costs ({grower.rounding.name}: {_size(grower.at(low))}), got {budget:,.6g}"
                )
            high, step = low, step * 2
    while high - low > _PHI_STEP:
        middle = (low + high) / 2
        after = grower.price(grower.at(middle))
        if after <= budget:
            low, price = middle, after
        else:
            high = middle
    return low, price


def _highest_phi(grower: _Grower) -> float:
    """The largest φ, to a thousandth, whose network lies within the limits (``space.limits``)."""

    def within(phi: float) -> bool:
        depth, width, factor = grower.coefficients.factors(phi)
        return not beyond_limits(grower.base, depth, width, grower.base.resolution * factor)

    low, high = 0.0, 1.0
    while within(high):
        low, high = high, 2 * high
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) else (low, middle)
    return low


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


def floor_note(
    architecture: Architecture, plan: Plan, coefficients: Coefficients = PAPER, rounding: Rounding = RELEASED
) -> str:
    """Where ``plan`` has reached the smallest that rounding allows; empty where it has nowhere."""
    least = compound_plan(architecture, _LOWEST_PHI, coefficients, rounding)
    here, floor = (build(architecture, p, rounding) for p in (plan, least))
    if here == floor:
        return f"rounding goes no lower than this ({_size(plan)})"
    reached = []
    if plan.repeats == least.repeats:
        reached.append("depth (no layer left that can be taken out)")
    narrow, narrowest = (
        build(architecture, replace(least, widths=p.widths, resolution=architecture.resolution), rounding)
        for p in (plan, least)
    )
    if narrow == narrowest:
        reached.append(f"width ({rounding.channel_multiple} channels)")
    if plan.resolution == least.resolution:
        reached.append(f"resolution ({plan.resolution} px)")
    return f"at the floor of rounding: {', '.join(reached)}" if reached else ""


def _size(plan: Plan) -> str:
    return f"{sum(plan.repeats)} layers in {len(plan.repeats)} stages, {plan.resolution} px"
