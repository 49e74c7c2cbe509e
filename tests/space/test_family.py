"""Families: the compound ray is kept to, budgets are used and never exceeded, members are nested, limits are said."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from math import log

import pytest

from space.architecture import Architecture
from space.codec import from_json
from space.cost import costs
from space.errors import BudgetError, InputError
from space.family import Member, _worst, family, floor_note, measured_family, member_at
from space.lattice import Direction
from space.nearest import Found
from space.rounding import EXACT, LITE
from space.scaling import PAPER, Coefficients, compound, compound_plan
from space.spaces import space
from space.zoo import architecture

B0 = architecture("efficientnet_b0")
STEPS = (0.5, 2.0, 4.0, 8.0, 32.0)


def macs(network: Architecture) -> float:
    return float(costs(network).macs)


def check_family(base: Architecture, members: tuple[Member, ...], coefficients: Coefficients = PAPER) -> None:
    """What every family keeps to, told from its architectures alone."""
    ordered = sorted(members, key=lambda one: one.cost)
    for member in members:
        assert member.budget is not None and member.cost <= member.budget
        assert member.used >= 0.97 or "none uses more of the budget" in member.note
        assert member.architecture.classes == base.classes
        reached = [
            log(factor) / log(rule)
            for factor, rule in zip(
                member.realised, (coefficients.alpha, coefficients.beta, coefficients.gamma), strict=True
            )
            if rule > 1
        ]
        if not member.direction.held:
            assert max(reached) - min(reached) == pytest.approx(member.direction.spread, abs=1e-8)
            assert (max(reached) + min(reached)) / 2 == pytest.approx(member.phi, abs=1e-8)
    for smaller, larger in pairwise(ordered):
        assert smaller.plan.fits_in(larger.plan)
        for few, many in zip(smaller.architecture.stages, larger.architecture.stages, strict=True):
            assert len(few.blocks) <= len(many.blocks)
            width = [
                [c for block in stage.blocks for c, _ in block.channel_fields()] for stage in (few, many)
            ]
            assert all(a <= b for a, b in zip(width[0], width[1], strict=False))
        assert smaller.architecture.resolution <= larger.architecture.resolution


@pytest.mark.parametrize(
    "name", ["efficientnet_b0", "resnet18@resolution=64", "mobilenet_v3_small@resolution=96", "mobilenet_v1"]
)
def test_families_are_compound_chains_that_use_their_budgets(name: str) -> None:
    base = architecture(name)
    members = family(base, [step * macs(base) for step in STEPS], macs)
    check_family(base, members)
    assert all(one.used >= 0.97 for one in members)
    assert all(one.direction.spread <= 0.35 * abs(one.phi) for one in members)


@pytest.mark.parametrize("seed", range(2))
def test_searched_networks_have_families(seed: int) -> None:
    found = space("mixed", resolution=32, classes=10)
    base = found.decode(found.sample(random.Random(seed)))
    members = family(base, [step * macs(base) for step in (0.5, 3.0, 10.0)], macs)
    check_family(base, members)
    assert all(one.used >= 0.97 for one in members)


@pytest.mark.parametrize("measure", ["params", "activation_bytes"])
def test_other_costs_bound_families_too(measure: str) -> None:
    base = architecture("resnet18@resolution=64")

    def cost(network: Architecture) -> float:
        return float(getattr(costs(network), measure))

    members = family(base, [step * cost(base) for step in (0.6, 2.0, 5.0)], cost, measure=measure)
    check_family(base, members)
    assert all(one.used >= 0.97 for one in members)


def test_the_network_itself_is_its_own_member() -> None:
    (found,) = family(B0, [macs(B0) * 1.02], macs)
    assert (found.architecture, found.phi, found.direction.spread) == (B0, 0.0, 0.0)


def test_the_order_of_budgets_is_kept_and_a_budget_may_come_twice() -> None:
    base = architecture("resnet18@resolution=64")
    budgets = [4 * macs(base), 2 * macs(base), 4 * macs(base)]
    found = family(base, budgets, macs)
    assert [one.budget for one in found] == budgets and found[0] == found[2]
    check_family(base, found)


# Found by a search on images of 28 pixels: its first member upwards, the most compound one, leaves no place for the next.
NARROW = """{"format": 1, "resolution": 28, "classes": 10, "in_channels": 1, "stem": [["Conv", {"out_channels": 8, "stride": 2}]],
"stages": [[[2, ["Basic", {"out_channels": 8}]]], [["Basic", {"out_channels": 8, "stride": 2}], ["Basic", {"out_channels": 8}]],
[["Basic", {"out_channels": 40, "stride": 2, "squeeze_excite": ["SqueezeExcite", {}]}]],
[["MBConv", {"out_channels": 32, "kernel": 5, "expansion": 3, "stride": 2, "activation": "relu"}]]],
"head": [["Conv", {"out_channels": 224, "kernel": 1}], ["GlobalPool", {}], ["Drop", {"rate": 0.1}], ["Dense", {}]]}"""


def test_a_network_over_its_budget_is_worse_than_one_that_uses_little() -> None:
    point = Found(plan=compound_plan(B0, 0.0), cost=1.0, direction=Direction(0.0, 0.0, (), (0.0, 0.0, 0.0)))
    over, little, used = ({budget: replace(point, cost=1.0)} for budget in (0.99, 4.0, 1.01))
    assert _worst(used) < _worst(little) < _worst(over)


def test_a_budget_is_used_before_a_network_is_as_compound_as_can_be() -> None:
    base = from_json(NARROW)
    members = family(base, [step * macs(base) for step in (0.5, 2.0, 4.0, 8.0)], macs, max_resolution=28)
    check_family(base, members)
    assert all(one.used >= 0.97 for one in members)


def test_the_resolution_stops_where_the_images_do() -> None:
    base = architecture("resnet18@resolution=64")
    budgets = [step * macs(base) for step in (2.0, 8.0, 32.0)]
    for most in (64, 80):
        members = family(base, budgets, macs, max_resolution=most)
        check_family(base, members)
        assert all(one.architecture.resolution <= most and one.used >= 0.97 for one in members)
        last = members[-1]
        assert last.direction.held == ("resolution",) and f"no further than {most} px" in last.note
        depth, width = log(last.realised[0]) / log(1.2), log(last.realised[1]) / log(1.1)
        assert abs(depth - width) == pytest.approx(last.direction.spread, abs=1e-8)
        assert last.direction.spread <= 0.35 * last.phi
    assert family(base, budgets, macs, max_resolution=8)[0].architecture.resolution == 64
    capped = member_at(base, 3, macs, max_resolution=80)
    assert capped.architecture.resolution == 80 and "no further than 80 px" in capped.note


@pytest.mark.parametrize("rule", [(1.4, 1.0, 1.0), (1.0, 1.2, 1.0), (1.0, 1.0, 1.2), (1.0, 1.1, 1.15)])
def test_dimensions_whose_coefficient_is_1_stay(rule: tuple[float, float, float]) -> None:
    base = architecture("resnet18@resolution=64")
    coefficients = Coefficients(*rule)
    members = family(base, [2 * macs(base), 5 * macs(base)], macs, coefficients=coefficients)
    check_family(base, members, coefficients)
    for member in members:
        stays = [factor == 1 for factor in member.realised]
        assert stays == [one == 1 for one in rule]


def test_policies_keep_what_they_fix() -> None:
    base = architecture("efficientnet_lite0")
    (member,) = family(base, [1e9], macs, rounding=LITE)
    assert (member.architecture.stem, member.architecture.head) == (base.stem, base.head)
    assert len(member.architecture.stages[0].blocks) == len(base.stages[0].blocks) and member.used >= 0.97
    base = architecture("resnet18")
    (member,) = family(base, [3 * macs(base)], macs, rounding=EXACT)
    assert member.direction.spread <= 0.35 * abs(member.phi) and member.used >= 0.97


def test_a_budget_below_the_floor_says_the_least_cost() -> None:
    with pytest.raises(BudgetError, match=r"wanted at least 132,032 macs.*released: 7 layers.*got 1,000"):
        family(B0, [1000], macs)
    with pytest.raises(InputError, match="budget: wanted a positive number of macs"):
        family(B0, [1e9, 0], macs)
    with pytest.raises(InputError, match="pixels: wanted a step of 1 px or more"):
        family(B0, [1e9], macs, pixels=0)


def test_notes_say_where_rounding_goes_no_lower() -> None:
    assert "rounding goes no lower" in member_at(B0, -60, macs).note
    assert "depth" in member_at(B0, -8, macs).note
    assert member_at(B0, -1, macs).note == ""
    assert floor_note(B0, compound_plan(B0, 1)) == ""


def test_a_phi_gives_the_network_of_the_rule() -> None:
    member = member_at(B0, 2, macs)
    assert member.architecture == compound(B0, 2) and member.phi == 2 and member.budget is None
    assert member.nominal == pytest.approx((1.44, 1.21, 1.3225))
    assert member.realised == pytest.approx((26 / 16, 1.26, 296 / 224), rel=0.01)


def test_measured_costs_are_asked_for_sparingly() -> None:
    base, asked = architecture("resnet18@resolution=64"), []

    def seconds(network: Architecture) -> float:
        asked.append(network.key)
        return 1e-3 + macs(network) ** 0.8 * 1e-9

    budgets = [2 * seconds(base), 6 * seconds(base)]
    members = measured_family(base, budgets, seconds, macs, measure="seconds")
    assert len(asked) < 35
    for member in members:
        assert member.cost == seconds(member.architecture) and 0.9 <= member.used <= 1
    with pytest.raises(BudgetError, match=r"budget: wanted at least \S+ seconds"):
        measured_family(base, [0.9e-3], seconds, macs, measure="seconds")
