"""One network at a budget: it is used, never exceeded, and what cannot be met is said."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from space.architecture import Architecture
from space.around_budget import AroundBudget
from space.at_budget import near_cost, used, widened, within_budget
from space.cost import costs
from space.errors import BudgetError, InputError
from space.rounding import LITE
from space.scaling import Coefficients, compound
from space.scaling.realised import multipliers
from space.spaces import space
from space.zoo import architecture

NETWORKS = ("mobilenet_v1", "resnet50", "densenet121", "googlenet_bn", "mnasnet_a1")
B0 = architecture("efficientnet_b0")


def macs(network: Architecture) -> float:
    return float(costs(network).macs)


def searched(seed: int) -> Architecture:
    found = space("mixed", resolution=32, classes=10)
    return found.decode(found.sample(random.Random(seed)))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("measure", ["macs", "params", "activation_bytes"])
def test_four_budgets_are_used_and_never_exceeded(name: str, measure: str) -> None:
    base = architecture(name)

    def cost(network: Architecture) -> float:
        return float(getattr(costs(network), measure))

    for share in (0.4, 0.9, 2.0, 5.0):
        member = within_budget(base, share * cost(base), cost, measure=measure)
        assert member.cost == cost(member.architecture)
        assert 0.97 * share * cost(base) <= member.cost <= share * cost(base), (share, member.moves)


@pytest.mark.parametrize("seed", range(40 if os.environ.get("NASCALE_THOROUGH") else 4))
def test_searched_networks_are_scaled(seed: int) -> None:
    base = searched(seed)
    for share in (0.3, 1.0, 3.0, 10.0):
        cost = within_budget(base, share * macs(base), macs).cost
        assert 0.97 * share * macs(base) <= cost <= share * macs(base)


def test_phi_is_the_shortest_that_gives_the_network() -> None:
    member = within_budget(B0, macs(compound(B0, 2)), macs)
    assert (member.phi, member.moves, member.cost) == (2.0, (), macs(compound(B0, 2)))
    assert member.architecture == compound(B0, 2)


def test_a_budget_below_the_floor_says_the_least_cost() -> None:
    with pytest.raises(BudgetError, match=r"wanted at least 132,032 macs.*released: 7 layers.*got 1,000"):
        within_budget(B0, 1000, macs, coefficients=Coefficients(1.2, 1.1, 1.15))
    with pytest.raises(InputError, match="budget: wanted a positive number of macs"):
        within_budget(B0, 0, macs)


def test_lite_networks_leave_stem_and_head_alone() -> None:
    base = architecture("efficientnet_lite0")
    member = within_budget(base, 1e9, macs, rounding=LITE)
    assert (member.architecture.stem, member.architecture.head) == (base.stem, base.head)
    assert member.cost >= 0.97e9


def test_measured_costs_are_asked_for_sparingly() -> None:
    asked = []

    def cost(network: Architecture) -> float:
        asked.append(network.key)
        return macs(network)

    member = within_budget(B0, 1e9, cost, evaluations=40)
    assert len(asked) < 60
    assert member.cost <= 1e9


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        # A fair rival at 1.80 G: depth 4.34–4.5, width about 2.22, resolution only 480 px (1.76 G) or 481 (1.90 G).
        ((2.0, 1.0, 1.0), (4.5, 1.0, 1.0)),
        ((1.0, 2**0.5, 1.0), (1.0, 2.27, 1.0)),
        ((1.0, 1.0, 2**0.5), (1.0, 1.0, 480 / 224)),
    ],
)
def test_single_dimensions_at_equal_macs(
    coefficients: tuple[float, float, float], expected: tuple[float, float, float]
) -> None:
    member = near_cost(B0, 1.8e9, macs, coefficients=Coefficients(*coefficients))
    assert multipliers(B0, member.architecture) == pytest.approx(expected, abs=0.01)
    assert member.cost == pytest.approx(1.8e9, rel=0.021)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_a_network_made_as_wide_as_a_budget_allows_keeps_all_but_its_widths(seed: int) -> None:
    bounds = {"macs": 3e6, "params": 400_000.0}
    space = AroundBudget(bounds, resolution=32).search_space()
    network = space.build(space.sample(random.Random(seed)))
    wide = widened(network, bounds)
    if wide is None:
        assert used(bounds, network) > 0.9
        return
    assert used(bounds, network) < used(bounds, wide) <= 1
    assert used(bounds, wide) > 0.9
    shape = [[type(block) for block in stage.blocks] for stage in network.stages]
    assert [[type(block) for block in stage.blocks] for stage in wide.stages] == shape
    assert wide.resolution == network.resolution
    assert widened(wide, {"macs": costs(wide).macs, "params": costs(wide).params}) is None
