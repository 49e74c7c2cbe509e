"""Families: the same network scaled along the compound ray, one member for each budget or φ, on real, rounded costs.

A network scaled by α^φ, β^φ and γ^φ lies on a ray: ln d / ln α, ln w / ln β and ln r / ln γ are the same number, φ.
Whole layers, channels and pixels lie beside it. The networks that are considered form a lattice of three ladders
(``space.scaling.ladders``): depth one layer at a time, width one channel step at a time, pixels. On each rung all
stages, or all parts, have grown by one common factor, as evenly as rounding allows. Of the lattice's networks that use
97–100 % of a budget, its member is the one with the least spread of the three exponents, the largest less the smallest
(``space.nearest`` finds it).

A family is a chain: from the network itself upwards, no member has fewer layers in a stage, fewer channels in a part
or fewer pixels than the one before it; and likewise downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

from space.architecture import Architecture
from space.errors import BudgetError, InputError
from space.lattice import NAMES, Cost, Direction, Lattice
from space.nearest import LEAST_USED, NEAR, Found, Search
from space.rounding import RELEASED, Rounding
from space.scaling import PAPER, Coefficients, Plan, build, compound_plan
from space.scaling.ray import LOWEST_PHI, Ray, size
from space.scaling.realised import Triple, exponents, multipliers

Nearest = Callable[[float, Plan | None, Plan | None], Found | None]
"""(budget, smallest and largest plan allowed) → the network that uses it."""
# So many orders are tried in which the members of a family may be sought.
_MOST_ORDERS = 3
# A cost that is measured is asked for at most so often for one member.
_MEASUREMENTS = 14
_ENOUGH = 1.02
_CAPPED = "resolution goes no further than"


@dataclass(frozen=True, slots=True)
class Member:
    """One network of a family.

    ``nominal`` are α^φ, β^φ and γ^φ, ``realised`` what depth, width and resolution have really grown by.
    ``direction`` says how near to the ray that is; its φ is the middle of the realised exponents for a budget, and the
    φ asked for otherwise. ``cost`` is in the budget's unit, ``used`` its share of the budget (1.0 where there was
    none). ``note`` says where something stopped a dimension.
    """

    architecture: Architecture
    direction: Direction
    nominal: Triple
    realised: Triple
    plan: Plan
    cost: float
    budget: float | None
    note: str = ""

    @property
    def phi(self) -> float:
        """The φ of the nominal factors."""
        return self.direction.phi

    @property
    def used(self) -> float:
        """The share of the budget."""
        return 1.0 if self.budget is None else self.cost / self.budget


def member_at(
    architecture: Architecture,
    phi: float,
    cost: Cost,
    *,
    coefficients: Coefficients = PAPER,
    rounding: Rounding = RELEASED,
    max_resolution: int | None = None,
) -> Member:
    """The network at ``phi``, without a budget; its note says where rounding or ``max_resolution`` stops it."""
    ray = Ray(architecture, coefficients, rounding, max_resolution)
    plan = ray.at(phi)
    network = build(architecture, plan, rounding)
    realised = multipliers(architecture, network)
    capped = plan.resolution == ray.most_pixels
    ends = ((False, False), (False, False), (False, capped))
    direction = replace(Direction.of(exponents(realised, coefficients), ends), phi=phi + 0.0)
    notes = [f"{_CAPPED} {plan.resolution} px"] if "resolution" in direction.held else []
    if phi < 0:
        notes.append(floor_note(architecture, plan, coefficients, rounding))
    nominal = coefficients.factors(phi)
    return Member(
        network, direction, nominal, realised, plan, cost(network), None, "; ".join(filter(None, notes))
    )


def family(
    architecture: Architecture,
    budgets: Sequence[float],
    cost: Cost,
    *,
    measure: str = "macs",
    coefficients: Coefficients = PAPER,
    rounding: Rounding = RELEASED,
    pixels: int | None = None,
    max_resolution: int | None = None,
) -> tuple[Member, ...]:
    """The member for each budget, in the order of ``budgets``.

    ``cost`` gives a network's cost in the unit of the budgets (``measure`` names it in messages); it must not fall
    where a network gets more layers, channels or pixels. ``pixels`` is one step of the resolution (by default
    ``space.lattice.pixel_step``); ``max_resolution`` the most pixels, never fewer than the network's own. Where it
    stops the resolution, depth and width share the rest.

    Raises BudgetError where the smallest network that rounding allows costs more than a budget, or the largest one
    that is computed with costs less.
    """
    lattice = Lattice(architecture, cost, coefficients, rounding, pixels, max_resolution, measure)

    def nearest(budget: float, low: Plan | None, high: Plan | None) -> Found | None:
        return Search(lattice, budget, low, high).nearest()

    return _chain(lattice, budgets, cost(architecture), nearest)


def measured_family(
    architecture: Architecture,
    budgets: Sequence[float],
    measured: Cost,
    proxy: Cost,
    *,
    measure: str,
    coefficients: Coefficients = PAPER,
    rounding: Rounding = RELEASED,
    pixels: int | None = None,
    max_resolution: int | None = None,
) -> tuple[Member, ...]:
    """``family`` for a cost that is measured, so asked for seldom and with noise: a latency.

    For each budget, networks are chosen by a ``proxy`` such as their MACs, whose bound is moved until the measured
    cost uses the budget. Raises BudgetError where no network that was measured is within it.
    """
    lattice = Lattice(architecture, proxy, coefficients, rounding, pixels, max_resolution, measure)
    own, own_proxy = measured(architecture), proxy(architecture)

    def nearest(budget: float, low: Plan | None, high: Plan | None) -> Found | None:
        bound, under, over, least = own_proxy * budget / own, 0.0, inf, inf
        best: Found | None = None
        for _ in range(_MEASUREMENTS):
            point = Search(lattice, bound, low, high).nearest()
            if point is None:
                break
            cost = measured(build(architecture, point.plan, rounding))
            least = min(least, cost)
            if cost <= budget:
                under = bound
                if best is None or cost > best.cost:
                    best = replace(point, cost=cost)
            else:
                over = bound
            if LEAST_USED * budget <= cost <= budget or over < under * _ENOUGH:
                break
            bound *= budget / cost
            if not under < bound < over:
                bound = (under * over) ** 0.5 if under > 0 else over * budget / cost
        if best is None and low is None:
            raise BudgetError(f"budget: wanted at least {least:,.6g} {measure}, got {budget:,.6g}")
        return best

    return _chain(lattice, budgets, own, nearest, orders=1)


def _chain(
    lattice: Lattice,
    budgets: Sequence[float],
    own: float,
    nearest: Nearest,
    orders: int = _MOST_ORDERS,
) -> tuple[Member, ...]:
    """The members for the budgets: from the network, which costs ``own``, upwards, and from it downwards."""
    for budget in budgets:
        if not budget > 0:
            raise InputError.of("budget", f"a positive number of {lattice.measure}", budget)
    itself = Found(lattice.plan((0, 0, 0)), own, lattice.direction((0, 0, 0)))
    found: dict[float, Found] = {}
    for side in (
        sorted(budget for budget in set(budgets) if budget >= own),
        sorted((budget for budget in set(budgets) if budget < own), reverse=True),
    ):
        found |= _side(itself, side, nearest, orders)
    return tuple(_member(lattice, found[budget], budget) for budget in budgets)


def _side(itself: Found, budgets: Sequence[float], nearest: Nearest, most: int) -> dict[float, Found]:
    """The members for budgets all above the cost of the network ``itself``, or all below, the nearest first.

    Each is sought between those that are there already. A member that comes first may leave no good place for the
    next: then those that use too little of their budgets come first, or all that found no good place, or the farthest. ``most``
    orders are tried.
    """
    outwards = list(range(len(budgets)))
    best: dict[float, Found] = {}
    orders, tried = [outwards], 0
    while tried < min(len(orders), most):
        found = _in_order(itself, budgets, orders[tried], nearest)
        tried += 1
        if not best or _worst(found) < _worst(best):
            best = found
        unused = [i for i in outwards if not found[budgets[i]].uses(budgets[i])]
        far = [i for i in outwards if not found[budgets[i]].is_member(budgets[i])]
        if not far:
            break
        if tried == 1:
            for first in (unused, far, outwards[::-1]):
                order = [*first, *(i for i in outwards if i not in first)]
                if order not in orders:
                    orders.append(order)
    return best


def _in_order(
    itself: Found, budgets: Sequence[float], order: Sequence[int], nearest: Nearest
) -> dict[float, Found]:
    """The members for the budgets, sought in this order, each between its neighbours among those before it."""
    found: dict[int, Found] = {}
    for place in order:
        if LEAST_USED * budgets[place] <= itself.cost <= budgets[place]:
            found[place] = itself
            continue
        inner = found[max(i for i in found if i < place)] if any(i < place for i in found) else itself
        outer = next((found[i] for i in sorted(found) if i > place), None)
        low: Plan | None = inner.plan
        high = outer.plan if outer else None
        if budgets[place] < itself.cost:
            low, high = high, low
        found[place] = nearest(budgets[place], low, high) or inner
    return {budgets[i]: found[i] for i in sorted(found)}


def _worst(found: dict[float, Found]) -> tuple[float, int, float]:
    """How much of their budgets members leave, how many leave some or are far from the ray, and the largest spread in units of φ."""
    unused = sum(_left(one.cost / budget) for budget, one in found.items())
    far = sum(not one.is_member(budget) for budget, one in found.items())
    spreads = (one.direction.spread / max(abs(one.direction.phi), NEAR) for one in found.values())
    return unused, far, max(spreads, default=0.0)


def _left(share: float) -> float:
    """How much of a budget is left by what uses this ``share``, up to what is to be used; all of it by what costs more."""
    return 1.0 if share > 1 else max(0.0, LEAST_USED - share)


def _member(lattice: Lattice, found: Found, budget: float) -> Member:
    network = lattice.build(found.plan)
    realised, direction = multipliers(lattice.base, network), found.direction
    notes = []
    if "resolution" in direction.held and direction.phi > 0:
        free = [
            name for name, scales in zip(NAMES, lattice.free, strict=True) if scales and name != "resolution"
        ]
        rest = f": the rest goes into {' and '.join(free)}" if free else ""
        notes.append(f"{_CAPPED} {found.plan.resolution} px{rest}")
    if found.cost < LEAST_USED * budget:
        notes.append("of the networks that were tried none uses more of the budget")
    if direction.phi < 0:
        notes.append(floor_note(lattice.base, found.plan, lattice.coefficients, lattice.rounding))
    nominal = lattice.coefficients.factors(direction.phi)
    return Member(
        network, direction, nominal, realised, found.plan, found.cost, budget, "; ".join(filter(None, notes))
    )


def floor_note(
    architecture: Architecture, plan: Plan, coefficients: Coefficients = PAPER, rounding: Rounding = RELEASED
) -> str:
    """Where ``plan`` has reached the smallest that rounding allows; empty where it has nowhere."""
    least = compound_plan(architecture, LOWEST_PHI, coefficients, rounding)
    here, floor = (build(architecture, p, rounding) for p in (plan, least))
    if here == floor:
        return f"rounding goes no lower than this ({size(plan)})"
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
