"""The size of a space, the range of its costs and the share of networks within each budget, before a search.

The costs are those of networks that ``SearchSpace.sample`` draws with the seed; a small space is enumerated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from search.candidate_cache import CandidateCache, DecodedCandidate
from search.objective import Objective
from search.samplers.protocol import generator
from search.settings import Budgets
from space.errors import BudgetError, InputError, ShapeError

SHOWN = ("params", "macs", "activation_bytes")
DRAWS = 300
"""How many networks are drawn; a space of up to four times as many assignments is enumerated."""


@dataclass(frozen=True)
class SpaceStatistics:
    """Size of a space and costs of ``networks`` of it; ``drawn`` is False where the space was enumerated.

    ``ranges`` holds (smallest, median, largest) by cost, ``shares`` the share within each budget and, under
    ``all budgets``, within all of them; ``infeasible`` the share that cannot be built or, where ``partial``, is
    not in the table.
    """

    space: str
    size: int
    seed: int
    networks: int
    drawn: bool
    ranges: dict[str, tuple[float, float, float]]
    shares: dict[str, float]
    infeasible: float = 0.0
    partial: bool = False

    def rows(self) -> list[dict[str, Any]]:
        """One row for each cost, for a table."""
        return [
            {"cost": cost, "min": low, "median": middle, "max": high}
            for cost, (low, middle, high) in self.ranges.items()
        ]


def space_statistics(cache: CandidateCache, seed: int, draws: int = DRAWS) -> SpaceStatistics:
    """The statistics of the cache's space under its budgets. Raises InputError where nothing in it can be built."""
    space = cache.space
    enumerated = space.size <= 4 * draws
    if enumerated:
        found = [cache.decode(decisions) for decisions in space.enumerate()]
    else:
        rng = generator(seed, "survey", space.name)
        found = [cache.decode(space.sample(rng)) for _ in range(draws)]
    networks = [network for network in found if network is not None]
    if not networks:
        raise _unbuildable(cache, seed, len(found))
    names = [
        c
        for c in (*SHOWN, *(cost for cost, _ in cache.budgets.bounds().values()))
        if all(c in n.costs for n in networks)
    ]
    ranges = {name: _range([n.costs[name] for n in networks]) for name in names}
    shares = {
        budget: sum(n.costs[cost] <= bound for n in networks) / len(found)
        for budget, (cost, bound) in cache.budgets.bounds().items()
        if cost in ranges
    }
    if len(shares) > 1:
        shares["all budgets"] = sum(cache.within(n) for n in networks) / len(found)
    return SpaceStatistics(
        space.name,
        space.size,
        seed,
        len(found),
        not enumerated,
        ranges,
        shares,
        1 - len(networks) / len(found),
        cache.partial,
    )


def _unbuildable(cache: CandidateCache, seed: int, count: int) -> InputError:
    """The error for a space without networks, with the reason that one of them gives."""
    space, reason = cache.space, ""
    try:
        space.decode(space.sample(generator(seed, "unbuildable", space.name)))
    except ShapeError as error:
        reason = f", for example: {error}"
    return InputError(f"space {space.name}: none of {count} networks can be built{reason}")


def _range(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)


def cheapest(cache: CandidateCache, seed: int = 0) -> DecodedCandidate:
    """The network whose largest cost, as a multiple of its budget, is the smallest that was found.

    A small space is enumerated. In a larger one the search starts from the cheapest of some random networks and changes
    one decision at a time until no change makes it cheaper. That finds the true minimum if each option is cheaper or
    more expensive than another for all values of the other decisions, as in every space of this package.

    Raises InputError where nothing in the space can be built.
    """
    space, excess = cache.space, cache.budgets.excess
    if space.size <= 4 * DRAWS:
        found = [cache.decode(decisions) for decisions in space.enumerate()]
    else:
        rng = generator(seed, "cheapest", space.name)
        found = [cache.decode(space.sample(rng)) for _ in range(64)]
    networks = [network for network in found if network is not None]
    if not networks:
        raise _unbuildable(cache, seed, len(found))
    best = min(networks, key=lambda n: excess(n.costs))
    improved = True
    while improved:
        improved = False
        for other in _neighbours(cache, best):
            if excess(other.costs) < excess(best.costs):
                best, improved = other, True
                break
    return best


def _neighbours(cache: CandidateCache, network: DecodedCandidate) -> Iterator[DecodedCandidate]:
    """The networks that differ in one decision; decisions that become active take their first option.

    Each is made when it is asked for: most walks end at one of the first.
    """
    space = cache.space
    for decision in space.active(network.decisions):
        for option in decision.options:
            if option == network.decisions[decision.name]:
                continue
            changed: dict[str, Any] = {}
            for active in space.active(changed):
                value = network.decisions.get(active.name, active.options[0])
                changed[active.name] = option if active is decision else value
            other = cache.decode(changed)
            if other is not None:
                yield other


def check_budgets(cache: CandidateCache, seed: int = 0) -> DecodedCandidate | None:
    """A network within all budgets; None where no budget is set.

    Raises BudgetError for a budget that no network meets, naming the smallest cost in the space.
    """
    budgets = cache.budgets
    if not budgets.bounds():
        return None
    for name, (cost, bound) in budgets.bounds().items():
        least = cheapest(cache.under(Budgets(**{name: bound})), seed)
        if cost not in least.costs:
            if cost == "latency_seconds" and not cache.complete:
                continue  # it is measured before a network is trained
            raise InputError(f"{name}: the {cost} of these networks is not known, so it cannot be bounded")
        if least.costs[cost] > bound:
            raise BudgetError(
                f"{name}: wanted {_plain(cost, bound)}, but the smallest {cost} in space {cache.space.name} "
                f"is {_plain(cost, least.costs[cost])}"
            )
    best = cheapest(cache, seed)
    if not cache.within(best):
        worst = ", ".join(f"{name} {_plain(cost, bound)}" for name, (cost, bound) in budgets.bounds().items())
        had = ", ".join(
            f"{cost} {_plain(cost, best.costs[cost])}"
            for cost, _ in budgets.bounds().values()
            if cost in best.costs
        )
        raise BudgetError(
            f"{worst}: no network of space {cache.space.name} meets all of them; nearest: {had}"
        )
    return best


def check_costs(cache: CandidateCache, objective: Objective) -> None:
    """Raises InputError for a cost in the objective that is neither known of the networks nor will be measured."""
    for cost in objective.costs_used:
        if cost == "latency_seconds" and not cache.complete:
            continue
        if cost not in cheapest(cache).costs:
            raise InputError(f"objective: the {cost} of these networks is not known")


def _plain(cost: str, value: float) -> str:
    """The exact value with its unit."""
    unit = cost.rpartition("_")[2]
    text = f"{value:.0f}" if float(value).is_integer() else f"{value:g}"
    return f"{text} {unit}" if unit in ("bytes", "seconds") else text
