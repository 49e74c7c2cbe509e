"""The loop: what is stored for each kind of end, limits, pruning, repeats, budgets on what is measured."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from evaluators.evaluator import Candidate, Failure
from results.trial_result import Status
from search.objective import Objective
from search.settings import Budgets, SearchSettings
from search.trial_store import MemoryTrialStore
from space.errors import RunError
from space.search_space import Decision, SearchSpace
from tests.search.fakes import CONDITIONAL, FLAT, ShufflingPool, accuracy_of, search

RANDOM = SearchSettings(sampler="random", trials=20)


def test_a_repeat_waits_for_its_twin_and_takes_its_result() -> None:
    two = SearchSpace("two", (Decision("d", (1, 2)),))
    pool = ShufflingPool(lambda candidate: [0.1, 0.2, 0.3], slots=4, seed=3)
    results = search(two, replace(RANDOM, trials=9, window=4), pool)
    assert len(pool.submitted) == 2
    reused = [result for result in results if result.status == "reused"]
    assert len(reused) == 7
    assert all(
        result.values == (0.3,) and result.curve == ((1, 0.1), (2, 0.2), (3, 0.3)) for result in reused
    )
    assert all(results[result.measured_by].status == "ok" for result in reused)


def test_a_repeat_of_a_failure_is_not_tried_again() -> None:
    one = SearchSpace("one", (Decision("d", (1,)),))
    pool = ShufflingPool(lambda candidate: Failure(Status.OOM, "too large"))
    results = search(one, replace(RANDOM, trials=3), pool)
    assert len(pool.submitted) == 1
    assert [result.status for result in results] == ["oom"] * 3
    assert all("too large" in result.error for result in results)


def test_an_accuracy_that_is_no_number_is_a_failure() -> None:
    results = search(FLAT, replace(RANDOM, trials=2), ShufflingPool(lambda candidate: float("nan")))
    assert {result.state for result in results} == {"FAIL"}
    assert all(result.accuracy is None for result in results)


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
def test_pruning_works_with_several_objectives_and_for_every_timing(pruner: str) -> None:
    def answer(candidate: Candidate) -> list[float]:
        return [accuracy_of(candidate) * epoch / 4 for epoch in (1, 2, 3, 4)]

    settings = replace(RANDOM, trials=24, window=4, pruner=pruner, objective=Objective.parse("accuracy,macs"))
    alone = search(FLAT, settings, ShufflingPool(answer), fidelity={"epochs": 4})
    pool = ShufflingPool(answer, slots=4, seed=9)
    together = search(FLAT, settings, pool, fidelity={"epochs": 4})
    assert [(result.state, result.curve, result.values) for result in alone] == [
        (result.state, result.curve, result.values) for result in together
    ]
    pruned = [result for result in together if result.status == "pruned"]
    # A training may have come to its end before it was known that it lost: there is nothing to cancel then.
    assert pruned and set(pool.cancelled) <= {r.number for r in pruned if r.measured_by is None}
    assert all(0 < len(result.curve) < 4 and result.accuracy == result.curve[-1][1] for result in pruned)
    # What was trained beyond the step that decided counts as cost.
    assert all(result.epochs >= len(result.curve) for result in together)
    assert sum(result.epochs for result in alone) <= sum(result.epochs for result in together)


def test_a_failure_after_a_lost_step_is_a_pruned_trial_for_every_timing() -> None:
    """Trial 1 loses against trial 0 at its first epoch, and fails in its second before trial 0 got that far."""
    answers: dict[int, list[float]] = {0: [0.9, 0.9, 0.9], 1: [0.1, float("nan")]}

    class Fast(ShufflingPool):
        def poll(self, timeout: float | None = None):  # type: ignore[no-untyped-def]
            self._rng = random.Random()
            self._rng.choice = max  # type: ignore[method-assign, assignment]
            return super().poll(timeout)

    settings = replace(RANDOM, trials=2, window=2, pruner="halving")
    pool = Fast(lambda candidate: answers[candidate.number], slots=2)
    results = search(FLAT, settings, pool, fidelity={"epochs": 3})
    assert [result.state for result in results] == ["COMPLETE", "PRUNED"]
    assert results[1].curve == ((1, 0.1),) and results[1].epochs == 2
    assert pool.cancelled == []


def test_too_many_failures_end_the_search() -> None:
    pool = ShufflingPool(lambda candidate: Failure(Status.FAILED, "no luck"))
    with pytest.raises(RunError, match="no luck"):
        search(FLAT, replace(RANDOM, max_failures=3), pool)
    assert len(pool.submitted) == 3


def test_epochs_are_a_budget() -> None:
    store = MemoryTrialStore()
    results = search(FLAT, replace(RANDOM, max_epochs=7), ShufflingPool(lambda c: [0.1, 0.2, 0.3]), store)
    assert sum(result.epochs for result in results if result.measured_by is None) == 9


def test_a_grid_ends_when_it_is_used_up() -> None:
    results = search(CONDITIONAL, SearchSettings(sampler="grid", trials=10_000))
    assert len(results) == CONDITIONAL.size


def test_a_latency_over_budget_is_marked() -> None:
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

    results = search(FLAT, settings, Slow())
    assert [result.feasible for result in results] == [True, False, True, False]
    assert all(result.latency_seconds for result in results)


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
    results = search(FLAT, settings, Refusing(), fidelity={"epochs": 3})
    assert [result.status for result in results] == ["ok", "infeasible"] * 3
    assert [result.state for result in results] == ["COMPLETE", "PRUNED"] * 3
    assert [result.feasible for result in results] == [True, False] * 3
    assert [result.values for result in results] == [(0.5, 0.4), None] * 3
    assert [result.latency_seconds for result in results] == [0.4, 0.6000000000000001] * 3
    assert [result.curve for result in results] == [((1, 0.5),), ()] * 3
