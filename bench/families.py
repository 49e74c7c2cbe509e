"""Families of ten networks under five budgets each: shares used, spreads, whether they are chains, and the seconds they take.

    python -m bench.families

A spread in brackets is more than 0.35 φ. Beside it stands the least spread of any network that uses 97–100 % of the budget
and is even (``space.family``), whatever the members before it: found by pricing all points of the lattice around the ray,
where there are few enough of them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import pairwise

from space.architecture import Architecture
from space.around_budget import AroundBudget
from space.cost import costs
from space.family import Member, family
from space.lattice import Lattice
from space.nearest import LEAST_USED, NEAR
from space.zoo import architecture

NAMES = (
    *("efficientnet_b0", "mobilenet_v1", "resnet50", "densenet121", "googlenet_bn"),
    *("mobilenet_v2@resolution=64,classes=10", "mobilenet_v3_small@resolution=96,classes=10"),
    "resnet18@resolution=64,classes=10",
)
STEPS = (0.5, 2.0, 4.0, 8.0, 32.0)
_SEARCHED_MACS = 5e6
_WINDOW, _MOST_POINTS = 2.0, 30_000


def bases() -> Iterator[Architecture]:
    """The ten networks."""
    yield from map(architecture, NAMES)
    found = AroundBudget({"macs": _SEARCHED_MACS}, resolution=32, classes=10).search_space()
    for seed in range(2):
        network = found.decode(found.sample(random.Random(seed)))
        yield network.replace(name=f"around-budget, seed {seed}")


def macs(network: Architecture) -> float:
    return float(costs(network).macs)


def least_spread(base: Architecture, member: Member) -> float | None:
    """The least spread of an even network that uses the budget, by pricing all within ``_WINDOW`` of φ; None where too many."""
    assert member.budget is not None
    lattice = Lattice(base, macs)
    ranges = []
    for axis in lattice.axes:
        first = axis.first(member.phi - _WINDOW, axis.bottom, 10**9)
        ranges.append(range(first, axis.last(member.phi + _WINDOW, first, 10**9) + 1))
    depth, width, resolution = ranges
    if len(depth) * len(width) * len(resolution) > _MOST_POINTS:
        return None
    every = [(n, j, k) for n in depth for j in width for k in resolution]
    found = [
        lattice.direction(point).spread
        for point in every
        if LEAST_USED * member.budget <= lattice.price(point) <= member.budget
    ]
    return min(found, default=None)


def main() -> None:
    print(f"| network | {' | '.join(f'×{step:g}' for step in STEPS)} | seconds |")
    print(f"|---|{'---|' * (len(STEPS) + 1)}")
    chains = kept = near = 0
    for base in bases():
        own, started = macs(base), time.perf_counter()
        members = family(base, [step * own for step in STEPS], macs)
        seconds = time.perf_counter() - started
        chains += all(a.plan.fits_in(b.plan) for a, b in pairwise(members))
        cells = []
        for member in members:
            share = member.direction.spread / abs(member.phi)
            kept += LEAST_USED <= member.used <= 1
            near += share <= NEAR
            text = f"{100 * member.used:.1f} %, {share:.2f} φ"
            if share > NEAR:
                least = least_spread(base, member)
                text = f"[{text}; least {'not known' if least is None else format(least / abs(member.phi), '.2f')}]"
            cells.append(text)
        print(f"| {base.label} | {' | '.join(cells)} | {seconds:.1f} |", flush=True)
    print(f"\n97–100 % used: {kept} of 50; chains: {chains} of 10; spread at most {NEAR} φ: {near} of 50")


if __name__ == "__main__":
    main()
