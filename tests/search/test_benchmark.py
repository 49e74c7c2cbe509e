"""Repeated searches on a small made-up table, against what its rows say."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, cast

import pytest

from evaluators.table import TableEvaluator
from search.benchmark import SamplerRun, run_sampler, run_samplers
from search.objective import Objective
from search.samplers.grid import GridSampler
from search.settings import Budgets, SearchSettings
from space.errors import RunError
from tests.search.small_table import MACS, OBSERVED, TRUTH

GRID = SearchSettings(sampler="grid", trials=6, seed=2)


def order(table: TableEvaluator) -> list[tuple[int, int]]:
    """The rows in the order in which the grid of ``GRID`` visits them."""
    proposed = GridSampler(table.space, GRID.seed).propose(0)
    return [(int(decisions["a"]), int(decisions["b"])) for decisions in proposed]


def test_the_best_network_is_chosen_by_what_was_observed(small_table: TableEvaluator) -> None:
    rows = order(small_table)
    run = run_sampler(small_table, GRID)
    assert run.best == tuple(TRUTH[max(rows[:n], key=OBSERVED.__getitem__)] for n in range(1, 7))
    assert run.best[-1] == 0.70  # of (2, 1), whose observed accuracy is the highest, not its truth
    assert run.points == ()


def test_networks_over_budget_are_never_the_best(small_table: TableEvaluator) -> None:
    run = run_sampler(small_table, replace(GRID, trials=4, budgets=Budgets(max_macs=200)))
    rows = [row for row in order(small_table) if MACS[row] <= 200]
    assert len(run.best) == len(rows) == 4
    assert run.best == tuple(TRUTH[max(rows[:n], key=OBSERVED.__getitem__)] for n in range(1, 5))
    assert run.best[-1] == 0.72


def test_several_objectives_keep_true_values(small_table: TableEvaluator) -> None:
    run = run_sampler(small_table, replace(GRID, objective=Objective.parse("accuracy,macs")))
    assert run.points == tuple((TRUTH[row], MACS[row]) for row in order(small_table))


def test_repeats_of_a_network_are_cache_hits(small_table: TableEvaluator) -> None:
    run = run_sampler(small_table, SearchSettings(sampler="random", trials=30))
    assert len(run.best) == 30
    assert run.cache_hits >= 24


@pytest.mark.parametrize("objective", ["accuracy", "accuracy,macs"])
def test_the_number_of_processes_changes_nothing(small_table: TableEvaluator, objective: str) -> None:
    settings = SearchSettings(seed=5, objective=Objective.parse(objective))
    counted: list[tuple[int, int]] = []

    def runs(jobs: int) -> list[SamplerRun]:
        found = run_samplers(
            small_table,
            settings,
            ["evolution"],
            12,
            2,
            jobs,
            lambda done, total: counted.append((done, total)),
        )
        return [replace(run, seconds_per_suggestion=0.0) for run in found]

    alone = runs(1)
    assert [(run.sampler, run.seed) for run in alone] == [
        ("evolution", 5),
        ("evolution", 6),
        ("random", 5),
        ("random", 6),
    ]
    assert counted == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert runs(2) == alone


class Deadly:
    """Ends whatever process unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


def test_a_process_that_dies_ends_the_comparison_and_is_not_waited_for(small_table: TableEvaluator) -> None:
    with pytest.raises(RunError, match="jobs: wanted 2 processes that run to their end, got one that died"):
        run_samplers(small_table, SearchSettings(), ["random"], 3, 2, 2, prior=cast(Any, Deadly()))
