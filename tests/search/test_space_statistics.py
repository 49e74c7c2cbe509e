"""What a space costs: counted, drawn, and the cheapest network."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from search.candidate_cache import CandidateCache
from search.settings import Budgets, SearchSettings
from search.space_statistics import cheapest, check_budgets, space_statistics
from space.errors import BudgetError, InputError
from space.spaces import space
from tests.search.fakes import FLAT, Priced, search

RANDOM = SearchSettings(sampler="random", trials=20)


def test_a_budget_that_nothing_meets_names_the_smallest_cost() -> None:
    with pytest.raises(BudgetError, match=r"max_macs: wanted 4, but the smallest macs .* is 5"):
        search(FLAT, replace(RANDOM, budgets=Budgets(max_macs=4)))
    with pytest.raises(InputError, match="max_flops"):
        search(FLAT, replace(RANDOM, budgets=Budgets(max_flops=1e9)))


def test_the_cheapest_network_of_a_large_space_is_found() -> None:
    mbconv = space("mbconv", resolution=16)
    cache = CandidateCache(mbconv, Budgets(max_macs=1))
    least = cheapest(cache)
    best = min(
        cache.decode(mbconv.sample(rng)).costs["macs"]  # type: ignore[union-attr]
        for rng in [random.Random(i) for i in range(300)]
    )
    assert least.costs["macs"] <= best
    with pytest.raises(BudgetError, match=str(least.costs["macs"])):
        check_budgets(cache)


def test_small_spaces_are_enumerated_and_large_ones_sampled() -> None:
    small = space_statistics(CandidateCache(FLAT, Budgets(max_macs=9, max_params=5), Priced()), 0)
    assert (small.size, small.networks, small.drawn) == (243, 243, False)
    assert small.ranges["macs"] == (5, 10, 15)
    # Sums of five numbers of 1 to 3 that are at most 9: 1 + 5 + 15 + 30 + 45 of 243.
    assert small.shares["max_macs"] == pytest.approx(96 / 243)
    assert small.shares["all budgets"] == small.shares["max_macs"]
    large = CandidateCache(space("mixed", resolution=16), Budgets(max_macs=2e6))
    assert space_statistics(large, 1, 50) == space_statistics(large, 1, 50)
    assert space_statistics(large, 1, 50).ranges != space_statistics(large, 2, 50).ranges
