"""The search of a lattice finds what enumerating all of it finds."""

from __future__ import annotations

from itertools import pairwise

import pytest

from space import nearest
from space.architecture import Architecture, Stage
from space.blocks import Basic, Block, Conv, Dense, DenseLayer, GlobalPool, MBConv, Transition
from space.cost import costs
from space.lattice import Lattice, Point
from space.nearest import LEAST_USED, Search
from space.rounding import POLICIES, Rounding
from space.scaling import build, plan


def macs(network: Architecture) -> float:
    return float(costs(network).macs)


def network(*stages: tuple[Block, int], resolution: int) -> Architecture:
    blocks = tuple(Stage((block, *[block.without_stride()] * (count - 1))) for block, count in stages)
    return Architecture((Conv(16),), blocks, (GlobalPool(), Dense()), resolution, 10)


BASIC = network((Basic(16), 2), (Basic(32, stride=2), 2), resolution=16)
MOBILE = network((MBConv(24), 1), (MBConv(40, stride=2), 2), (MBConv(64, stride=2), 3), resolution=20)
DENSE = Architecture(
    (Conv(16),),
    (Stage((DenseLayer(16),) * 3), Stage((Transition(), *(DenseLayer(16),) * 4))),
    (GlobalPool(), Dense()),
    16,
    10,
)


BOX = ((-2, 5), (-4, 8), (-2, 5))
"""The rungs of depth, width and resolution that are enumerated."""


def points(lattice: Lattice) -> list[Point]:
    """All points of the lattice in the box."""
    rungs = [
        [rung for rung in range(low, high + 1) if rung >= axis.bottom and axis.has(rung)]
        for axis, (low, high) in zip(lattice.axes, BOX, strict=True)
    ]
    return [(n, j, k) for n in rungs[0] for j in rungs[1] for k in rungs[2]]


@pytest.mark.parametrize("base", [BASIC, MOBILE, DENSE], ids=["basic", "mobile", "dense"])
@pytest.mark.parametrize(("share", "most"), [(0.6, None), (2.2, None), (2.6, 20)])
def test_it_is_the_optimum_of_the_lattice(
    base: Architecture, share: float, most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = share * macs(base)
    whole = Lattice(base, macs, max_resolution=most)
    every = points(whole)
    box = whole.plan(every[0]), whole.plan(every[-1])
    using = [p for p in every if LEAST_USED * budget <= whole.price(p) <= budget]
    least = min(whole.direction(p).spread for p in using)
    fresh = Lattice(base, macs, max_resolution=most)
    found = Search(fresh, budget, *box).nearest()
    assert found is not None and LEAST_USED * budget <= found.cost <= budget
    assert found.direction.spread <= least + 1e-9  # rungs out of turn may come nearer
    monkeypatch.setattr(nearest, "_MOST_UNEVEN", 0)
    even = Search(fresh, budget, *box).nearest()
    assert even is not None and even.direction.spread == pytest.approx(least, abs=1e-9)
    assert even.cost == max(whole.price(p) for p in using if whole.direction(p).spread <= least + 1e-9)


@pytest.mark.parametrize("rounding", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("base", [BASIC, MOBILE, DENSE], ids=["basic", "mobile", "dense"])
def test_every_network_of_one_common_factor_is_a_rung(base: Architecture, rounding: Rounding) -> None:
    lattice = Lattice(base, macs, rounding=rounding)
    depth, width, _ = lattice.axes
    deep = {lattice.plan((n, 0, 0)).repeats for n in range(depth.bottom, 40) if depth.has(n)}
    rungs = [(0, j, 0) for j in range(width.bottom, 250) if width.has(j)]
    wide = {build(base, lattice.plan(point), rounding) for point in rungs}
    for step in range(20, 190, 3):
        factor = step / 100 + 0.0037  # not where a number is just halfway
        assert plan(base, depth=factor, rounding=rounding).repeats in deep
        assert build(base, plan(base, width=factor, rounding=rounding), rounding) in wide


def test_ladders_only_grow() -> None:
    lattice = Lattice(MOBILE, macs)
    for axis, place in zip(lattice.axes, range(3), strict=True):
        rungs = range(axis.bottom, 20)
        reached = [axis.exponent(rung) for rung in rungs]
        assert reached == sorted(reached) and axis.exponent(0) == 0
        plans = [lattice.plan(tuple(rung if i == place else 0 for i in range(3))) for rung in rungs]  # type: ignore[arg-type]
        assert all(a.fits_in(b) and a != b for a, b in pairwise(plans))
