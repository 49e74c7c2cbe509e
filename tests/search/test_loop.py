"""The loop: what is stored for each kind of end, limits, pruning, repeats, tight budgets."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from evaluators.evaluator import Candidate, Failure
from results.trial_result import Status
from search.candidate_cache import CandidateCache
from search.objective import Objective
from search.settings import Budgets, SearchSettings
from search.space_statistics import cheapest, check_budgets, space_statistics
from search.trial_store import MemoryTrialStore
from space.errors import BudgetError, InputError, RunError
from space.search_space import Decision, SearchSpace
from space.spaces import space
from tests.search.fakes import CONDITIONAL, FLAT, Priced, ShufflingPool, accuracy_of, search

RANDOM = SearchSettings(sampler="random", trials=20)


def test_a_repeat_waits_for_its_twin_and_takes_its_result() -> None:
    two = SearchSpace("two", (Decision("d", (1, 2)),))
    pool = ShufflingPool(lambda candidate: [0.1, 0.2, 0.3], slots=4, seed=3)
    rows = search(two, replace(RANDOM, trials=9, window=4), pool)
    assert len(pool.submitted) == 2
    reused = [row for row in rows if row.status == "reused"]
    assert len(reused) == 7
    assert all(row.values == (0.3,) and row.curve == ((1, 0.1), (2, 0.2), (3, 0.3)) for row in reused)
    assert all(rows[row.measured_by].status == "ok" for row in reused)


def test_a_repeat_of_a_failure_is_not_tried_again() -> None:
    one = SearchSpace("one", (Decision("d", (1,)),))
    pool = ShufflingPool(lambda candidate: Failure(Status.OOM, "too large"))
    rows = search(one, replace(RANDOM, trials=3), pool)
    assert len(pool.submitted) == 1
    assert [row.status for row in rows] == ["oom"] * 3
    assert all("too large" in row.error for row in rows)


def test_an_accuracy_that_is_no_number_is_a_failure() -> None:
    rows = search(FLAT, replace(RANDOM, trials=2), ShufflingPool(lambda candidate: float("nan")))
    assert {row.state for row in rows} == {"FAIL"}
    assert all(row.accuracy is None for row in rows)


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
def test_pruning_works_with_several_objectives_and_whatever_the_timing(pruner: str) -> None:
    def answer(candidate: Candidate) -> list[float]:
        return [accuracy_of(candidate) * epoch / 4 for epoch in (1, 2, 3, 4)]

    settings = replace(RANDOM, trials=24, window=4, pruner=pruner, objective=Objective.parse("accuracy,macs"))
    alone = search(FLAT, settings, ShufflingPool(answer), fidelity={"epochs": 4})
    pool = ShufflingPool(answer, slots=4, seed=9)
    together = search(FLAT, settings, pool, fidelity={"epochs": 4})
    assert [(row.state, row.curve, row.values) for row in alone] == [
        (row.state, row.curve, row.values) for row in together
    ]
    pruned = [row for row in together if row.status == "pruned"]
    # A training may have come to its end before it was known that it lost: there is nothing to cancel then.
    assert pruned and set(pool.cancelled) <= {r.number for r in pruned if r.measured_by is None}
    assert all(0 < len(row.curve) < 4 and row.accuracy == row.curve[-1][1] for row in pruned)
    # What was trained beyond the step that decided counts as cost.
    assert all(row.epochs >= len(row.curve) for row in together)
    assert sum(row.epochs for row in alone) <= sum(row.epochs for row in together)


def test_a_failure_after_a_lost_step_is_a_pruned_trial_whatever_the_timing() -> None:
    """Trial 1 loses against trial 0 at its first epoch, and fails in its second before trial 0 got that far."""
    answers: dict[int, list[float]] = {0: [0.9, 0.9, 0.9], 1: [0.1, float("nan")]}

    class Fast(ShufflingPool):
        def poll(self, timeout: float | None = None):  # type: ignore[no-untyped-def]
            self._rng = random.Random()
            self._rng.choice = max  # type: ignore[method-assign, assignment]
            return super().poll(timeout)

    settings = replace(RANDOM, trials=2, window=2, pruner="halving")
    pool = Fast(lambda candidate: answers[candidate.number], slots=2)
    rows = search(FLAT, settings, pool, fidelity={"epochs": 3})
    assert [row.state for row in rows] == ["COMPLETE", "PRUNED"]
    assert rows[1].curve == ((1, 0.1),) and rows[1].epochs == 2
    assert pool.cancelled == []


def test_too_many_failures_end_the_search() -> None:
    pool = ShufflingPool(lambda candidate: Failure(Status.FAILED, "no luck"))
    with pytest.raises(RunError, match="no luck"):
        search(FLAT, replace(RANDOM, max_failures=3), pool)
    assert len(pool.submitted) == 3


def test_epochs_are_a_budget() -> None:
    store = MemoryTrialStore()
    rows = search(FLAT, replace(RANDOM, max_epochs=7), ShufflingPool(lambda c: [0.1, 0.2, 0.3]), store)
    assert sum(row.epochs for row in rows if row.measured_by is None) == 9


def test_a_grid_ends_when_it_is_used_up() -> None:
    rows = search(CONDITIONAL, SearchSettings(sampler="grid", trials=10_000))
    assert len(rows) == CONDITIONAL.size


def test_a_latency_over_budget_is_marked_and_not_told() -> None:
    settings = replace(RANDOM, budgets=Budgets(max_latency=0.5), trials=4)

    class Slow(ShufflingPool):
        def poll(self, timeout: float | None = None):  # type: ignore[no-untyped-def]
            events = super().poll(timeout)
            return [
                replace(
                    e,
                    measurement=replace(e.measurement, extra={"latency_seconds": 0.4 + 0.2 * (e.number % 2)}),
                )
                if e.measurement
                else e
                for e in events
            ]

    rows = search(FLAT, settings, Slow())
    assert [row.feasible for row in rows] == [True, False, True, False]
    assert all(row.latency_seconds for row in rows)


def test_a_network_that_was_not_trained_for_its_latency_is_no_failure() -> None:
    class Refusing(ShufflingPool):
        """Every other network is too slow: one measurement of epoch 0, without an accuracy."""

        def poll(self, timeout: float | None = None):  # type: ignore[no-untyped-def]
            return [
                replace(
                    e,
                    measurement=replace(
                        e.measurement,
                        epoch=0 if e.number % 2 else 1,
                        accuracy=float("nan") if e.number % 2 else 0.5,
                        extra={"latency_seconds": 0.4 + 0.2 * (e.number % 2)},
                    ),
                )
                if e.measurement
                else e
                for e in super().poll(timeout)
            ]

    settings = replace(
        RANDOM,
        budgets=Budgets(max_latency=0.5),
        trials=6,
        pruner="halving",
        max_failures=1,
        objective=Objective.parse("accuracy,latency_seconds"),
    )
    rows = search(FLAT, settings, Refusing(), fidelity={"epochs": 3})
    assert [row.status for row in rows] == ["ok", "infeasible"] * 3
    assert [row.state for row in rows] == ["COMPLETE", "PRUNED"] * 3
    assert [row.feasible for row in rows] == [True, False] * 3
    assert [row.values for row in rows] == [(0.5, 0.4), None] * 3
    assert [row.latency_seconds for row in rows] == [0.4, 0.6000000000000001] * 3
    assert [row.curve for row in rows] == [((1, 0.5),), ()] * 3


@pytest.mark.parametrize("sampler", ["random", "controller", "tpe", "evolution", "nsga2"])
def test_a_budget_that_one_in_thousands_meets_is_met(sampler: str) -> None:
    wide = SearchSpace("wide", tuple(Decision(f"d{i}", (1, 2, 3)) for i in range(10)))
    settings = SearchSettings(sampler=sampler, trials=12, budgets=Budgets(max_macs=11))
    rows = search(wide, settings)
    assert all(row.costs["macs"] <= 11 for row in rows)
    assert len({row.key for row in rows}) > 5 or sampler in ("random", "tpe", "nsga2")


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


def test_statistics_counts_small_spaces_and_draws_from_large_ones() -> None:
    small = space_statistics(CandidateCache(FLAT, Budgets(max_macs=9, max_params=5), Priced()), 0)
    assert (small.size, small.networks, small.drawn) == (243, 243, False)
    assert small.ranges["macs"] == (5, 10, 15)
    # Sums of five numbers of 1 to 3 that are at most 9: 1 + 5 + 15 + 30 + 45 of 243.
    assert small.shares["max_macs"] == pytest.approx(96 / 243)
    assert small.shares["all budgets"] == small.shares["max_macs"]
    large = CandidateCache(space("mixed", resolution=16), Budgets(max_macs=2e6))
    assert space_statistics(large, 1, 50) == space_statistics(large, 1, 50)
    assert space_statistics(large, 1, 50).ranges != space_statistics(large, 2, 50).ranges
