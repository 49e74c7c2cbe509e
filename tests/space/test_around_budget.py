"""The space around the budget: its members use what they may cost, and known networks are among them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from space import zoo
from space.around_budget import OPTIONS, SHARES, WIDE_SHARES, AroundBudget
from space.cost import costs
from space.errors import InputError
from space.search_space import Option
from space.spaces import space

CASES = [
    ({"macs": 5e6}, 64, 3),
    ({"macs": 5e6}, 32, 3),
    ({"macs": 1e6}, 28, 1),
    ({"params": 60e3}, 64, 3),
    ({"macs": 5e6, "params": 60e3}, 32, 3),
    ({"activation_bytes": 300e3}, 48, 3),
    ({"macs": 3e5}, 8, 1),
    ({"flops": 300e6}, 224, 3),
]


def used(bounds: Mapping[str, float], around: AroundBudget, decisions: Mapping[str, Option]) -> float:
    """The largest share of a bound that the network of the decisions costs."""
    known = costs(around.build(decisions)).searched()
    return max(known[cost] / bound for cost, bound in bounds.items())


@pytest.mark.parametrize(("bounds", "resolution", "channels"), CASES)
@pytest.mark.parametrize("options", [SHARES, WIDE_SHARES])
def test_most_members_keep_the_budget_and_span_it(
    bounds: dict[str, float], resolution: int, channels: int, options: tuple[float, ...]
) -> None:
    around = AroundBudget(bounds, resolution, channels)
    searched, rng = around.search_space().with_options({"share": options}), random.Random(0)
    shares = sorted(used(bounds, around, searched.sample(rng)) for _ in range(60))
    within = [share for share in shares if share <= 1]
    assert len(within) >= 0.5 * len(shares)
    assert within[0] < 0.6 or options == SHARES
    assert within[-1] > 0.9
    # Few channels come in coarse steps, so a network may use less than its share.
    assert 0.8 * min(options) < within[len(within) // 2] < max(options)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_a_member_is_the_widest_that_its_share_allows(seed: int) -> None:
    around = AroundBudget({"macs": 4e6}, 16)
    decisions = around.search_space().sample(random.Random(seed))
    paid = [used(around.bounds, around, decisions | {"share": share}) for share in WIDE_SHARES]
    assert paid == sorted(paid), "more of the budget never makes a cheaper network"
    for share, cost in zip(WIDE_SHARES, paid, strict=True):
        assert cost <= share or cost == paid[0], "over the share only where nothing narrower is there"


def test_the_decisions_do_not_depend_on_the_bounds() -> None:
    assert (
        space("around-budget", resolution=64, bounds={"macs": 5e6}).decisions
        == space("around-budget", resolution=64, bounds={"params": 1e5}).decisions
        == space("around-budget", resolution=64).decisions
    )


def test_every_stage_chooses_among_six_block_types() -> None:
    searched = space("around-budget", resolution=64)
    for number in range(1, 5):
        assert searched.by_name[f"stage{number}.block"].options == tuple(OPTIONS)
    assert set(OPTIONS) == {"mbconv", "fused", "basic", "bottleneck", "inception", "dense"}


def test_a_narrow_resnet_is_a_member() -> None:
    """ResNet-18 at a width of 0.12 costs 4.99M MACs at 64 px; its blocks are those of the assignment."""
    narrow = zoo.resnet18(width=0.12, resolution=64, classes=10)
    around = AroundBudget({"macs": costs(narrow).macs}, 64)
    decisions: dict[str, Option] = {"share": 1.0, "stem": "pooled", "growth": 2.0, "head": 0}
    for number in range(1, 5):
        stage = f"stage{number}"
        decisions |= {f"{stage}.depth": 2, f"{stage}.width": 1.0, f"{stage}.block": "basic"}
        decisions[f"{stage}.basic.se"] = 0.0
    member = around.search_space().decode(decisions)
    assert member.stem == narrow.stem
    assert member.stages == narrow.stages


def test_no_map_gets_smaller_than_two_pixels() -> None:
    around = AroundBudget({"macs": 5e6}, 64)
    searched, rng = around.search_space(), random.Random(1)
    for _ in range(30):
        network = searched.decode(searched.sample(rng))
        sizes = [segment.shape[1] for path, _, segment in network.segments() if path.startswith("stages")]
        assert min(sizes) >= 2


def test_without_a_budget_there_is_nothing_to_build_around() -> None:
    searched = space("around-budget")
    with pytest.raises(InputError, match="space around-budget: wanted a budget to build around"):
        searched.decode(searched.sample(random.Random(0)))


def test_random_networks_keep_their_keys() -> None:
    """Stored studies keep their decisions; the networks behind them follow from the budget, and must stay the same."""
    found = []
    for bounds, resolution, channels in CASES:
        around = AroundBudget(bounds, resolution, channels)
        searched, rng = around.search_space().with_options({"share": WIDE_SHARES}), random.Random(5)
        found += [searched.decode(searched.sample(rng)).key for _ in range(10)]
    assert blake2b("".join(found).encode(), digest_size=6).hexdigest() == "b840d894d55e"
