"""One contract for every sampler: legal, seeded, resumable, within budget, never measuring a network twice."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from evaluators.evaluator import Candidate, Failure
from results.trial_result import Status, TrialResult
from search.objective import Objective
from search.samplers.registry import make_sampler, samplers
from search.settings import Budgets, SearchSettings
from search.trial_store import MemoryTrialStore
from space.errors import InputError, UnknownNameError
from space.search_space import SearchSpace
from tests.search.fakes import CONDITIONAL, FLAT, ShufflingPool, accuracy_of, decisions_of, search

SPACES = {"flat": FLAT, "conditional": CONDITIONAL}
SLOW = {"bananas": 16, "gp": 14}


def cases() -> list[tuple[str, str]]:
    return [
        (name, space) for name in samplers() for space in SPACES if (name, space) != ("cmaes", "conditional")
    ]


@pytest.fixture(params=cases(), ids=lambda case: "-".join(case))
def case(request: pytest.FixtureRequest) -> tuple[SearchSpace, SearchSettings]:
    name, space = request.param
    return SPACES[space], SearchSettings(sampler=name, trials=SLOW.get(name, 30), seed=3, window=3)


@cache
def undisturbed(name: str, settings: SearchSettings) -> list[TrialResult]:
    """The results of a search in one process and one piece, which others are compared with: made once for all tests."""
    return search(SPACES[name], settings)


def test_suggestions_are_legal_and_results_complete(case: tuple[SearchSpace, SearchSettings]) -> None:
    space, settings = case
    results = undisturbed(space.name, settings)
    assert [result.number for result in results] == list(range(settings.trials))
    assert all(result.state == "COMPLETE" for result in results)
    for result in results:
        assert space.validate(result.decisions) == result.decisions


def test_timing_and_workers_change_nothing(case: tuple[SearchSpace, SearchSettings]) -> None:
    space, settings = case
    alone = undisturbed(space.name, settings)
    shuffled = search(space, settings, ShufflingPool(slots=3, seed=5))
    assert decisions_of(alone) == decisions_of(shuffled)
    assert [result.values for result in alone] == [result.values for result in shuffled]


def test_another_seed_gives_another_search(case: tuple[SearchSpace, SearchSettings]) -> None:
    space, settings = case
    other = search(space, replace(settings, seed=4))
    assert decisions_of(undisturbed(space.name, settings)) != decisions_of(other)


@pytest.mark.parametrize("stop", [1, 9])
def test_a_stopped_search_goes_on_as_if_it_had_not(
    case: tuple[SearchSpace, SearchSettings], stop: int
) -> None:
    space, settings = case
    whole = undisturbed(space.name, settings)
    store = MemoryTrialStore()
    first = ShufflingPool(slots=2, seed=1, stop_after=stop)
    stopped = search(space, settings, first, store)
    assert any(result.state == "WAITING" for result in stopped)
    second = ShufflingPool(slots=3, seed=2)
    resumed = search(space, settings, second, store)
    assert decisions_of(resumed) == decisions_of(whole)
    finished = {result.number for result in stopped if result.status.finished}
    assert not finished & {candidate.number for candidate in second.submitted}


def test_budgets_are_kept_and_no_network_is_measured_twice(case: tuple[SearchSpace, SearchSettings]) -> None:
    space, settings = case
    bound = 9 if space is FLAT else 20
    pool = ShufflingPool(slots=2)
    results = search(space, replace(settings, budgets=Budgets(max_macs=bound)), pool)
    assert all(result.costs["macs"] <= bound for result in results)
    keys = [candidate.key for candidate in pool.submitted]
    assert len(set(keys)) == len(keys)
    for result in results:
        if result.status == "reused":
            original = results[result.measured_by]
            assert (original.key, original.values) == (result.key, result.values)


def test_failures_break_nothing(case: tuple[SearchSpace, SearchSettings]) -> None:
    space, settings = case

    def answer(candidate: Candidate) -> float | Failure:
        return Failure(Status.OOM, "too large") if candidate.number % 3 == 0 else accuracy_of(candidate)

    results = search(space, settings, ShufflingPool(answer, slots=2))
    assert len(results) == settings.trials
    assert {result.state for result in results} == {"COMPLETE", "FAIL"}
    assert {result.status for result in results if result.state == "FAIL"} == {"oom"}


@pytest.mark.parametrize("name", [name for name in samplers() if name != "cmaes"])
def test_several_objectives(name: str) -> None:
    settings = SearchSettings(
        sampler=name, trials=SLOW.get(name, 26), window=2, objective=Objective.parse("accuracy,macs")
    )
    results = search(CONDITIONAL, settings, ShufflingPool(slots=2, seed=1))
    assert all(result.values is not None and len(result.values) == 2 for result in results)
    assert decisions_of(results) == decisions_of(search(CONDITIONAL, settings))


@pytest.mark.parametrize(
    "name", ["controller", "controller-ppo", "evolution", "gp-ei", "grid", "local-search"]
)
def test_a_small_space_is_used_up_before_anything_repeats(name: str) -> None:
    results = search(CONDITIONAL, SearchSettings(sampler=name, trials=CONDITIONAL.size))
    assert len({result.key for result in results}) == CONDITIONAL.size


@pytest.mark.parametrize("name", ["controller", "evolution", "gp-ei", "local-search", "tpe", "random"])
def test_a_used_up_space_gives_cache_hits(name: str) -> None:
    pool = ShufflingPool()
    results = search(CONDITIONAL, SearchSettings(sampler=name, trials=CONDITIONAL.size + 5), pool)
    assert len(results) == CONDITIONAL.size + 5
    assert len(pool.submitted) <= CONDITIONAL.size


def test_unknown_names_and_spaces_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="controller"):
        make_sampler(FLAT, SearchSettings(sampler="controler"))
    with pytest.raises(InputError, match="conditional"):
        make_sampler(CONDITIONAL, SearchSettings(sampler="cmaes"))
    with pytest.raises(InputError, match="one objective"):
        make_sampler(FLAT, SearchSettings(sampler="cmaes", objective=Objective.parse("accuracy,macs")))
