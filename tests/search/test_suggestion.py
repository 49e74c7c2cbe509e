"""One network for each trial: within budget, and new where the sampler wants that."""

from __future__ import annotations

import pytest

from search.settings import Budgets, SearchSettings
from space.search_space import Decision, SearchSpace
from tests.search.fakes import ShufflingPool, search


@pytest.mark.parametrize(
    ("sampler", "distinct"), [("controller", 11), ("evolution", 11), ("random", 8), ("tpe", 8), ("nsga2", 8)]
)
def test_a_budget_that_one_in_thousands_meets_is_met(sampler: str, distinct: int) -> None:
    """11 of 59,049 networks are within budget. Two samplers want new ones and find them all; the others repeat."""
    wide = SearchSpace("wide", tuple(Decision(f"d{i}", (1, 2, 3)) for i in range(10)))
    pool = ShufflingPool()
    results = search(wide, SearchSettings(sampler=sampler, trials=12, budgets=Budgets(max_macs=11)), pool)
    assert [result.costs["macs"] <= 11 for result in results] == [True] * 12
    assert len({result.key for result in results}) == distinct
    assert len(pool.submitted) == distinct
    assert [result.status for result in results].count("reused") == 12 - distinct
