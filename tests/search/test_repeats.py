"""Searches with repeats: how many, of which networks, with which seeds, and the same for any timing and after a stop."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evaluators.evaluator import Candidate, Failure
from results.networks import Networks, leader
from results.trial_result import Status, TrialResult
from search.objective import Objective
from search.repeats.rule import EARLY, EQUAL, FEWEST, LARGEST_SHARE, RepeatRule
from search.samplers.registry import samplers
from search.settings import SearchSettings
from search.trial_store import MemoryTrialStore
from space.errors import InputError
from tests.search.fakes import CONDITIONAL, FLAT, ShufflingPool, accuracy_of, search

AUTO = SearchSettings(sampler="random", trials=60, seed=3, repeats=None)


def noisy(candidate: Candidate, noise: float = 0.05) -> float:
    """Rises with the options; the noise of each measurement is its own."""
    numbers = [float(v) for v in candidate.decisions.values() if not isinstance(v, str)]
    return 0.3 + 0.01 * sum(numbers) + noise * random.Random(candidate.stream).random()


def repeats_of(results: list[TrialResult]) -> list[TrialResult]:
    return [result for result in results if result.repeat_of is not None]


def told(results: list[TrialResult]) -> list[object]:
    return [(r.decisions, r.repeat_of, r.status, r.accuracy) for r in results]


@pytest.mark.parametrize("name", [name for name in samplers() if name != "gp"])
def test_timing_workers_and_a_stop_change_nothing_with_any_sampler(name: str) -> None:
    settings = replace(AUTO, sampler=name, trials=32, window=3)
    pool = ShufflingPool(noisy)
    whole = search(FLAT, settings, pool)
    assert repeats_of(whole)
    assert told(whole) == told(search(FLAT, settings, ShufflingPool(noisy, slots=3, seed=5)))
    store = MemoryTrialStore()
    # Stopped while repeats are under measurement.
    stop = len(pool.submitted) - 4
    stopped = search(FLAT, settings, ShufflingPool(noisy, slots=3, seed=1, stop_after=stop), store)
    assert any(result.status is Status.WAITING for result in stopped)
    assert told(search(FLAT, settings, ShufflingPool(noisy, slots=2, seed=2), store)) == told(whole)


def test_a_repeat_measures_its_network_under_a_seed_of_its_own() -> None:
    pool = ShufflingPool(noisy)
    results = search(FLAT, AUTO, pool)
    again = repeats_of(results)
    assert 3 <= len(again) <= LARGEST_SHARE * AUTO.trials
    first = min(result.number for result in again)
    assert first >= EARLY[0] * AUTO.trials
    streams = [candidate.stream for candidate in pool.submitted]
    assert len(set(streams)) == len(streams)
    assert sorted(candidate.number for candidate in pool.submitted if candidate.repeat) == [
        r.number for r in again
    ]
    for result in again:
        original = results[result.repeat_of or 0]
        assert original.repeat_of is None and original.status is Status.OK
        assert (result.key, result.decisions, result.costs) == (
            original.key,
            original.decisions,
            original.costs,
        )
        assert result.status is Status.OK and result.measured_by is None
    known = {result.key for result in results if result.status is Status.OK}
    assert len(known) == len([r for r in results if r.status is Status.OK]) - len(again)


def test_the_network_that_is_named_was_measured_again() -> None:
    results = search(FLAT, AUTO, ShufflingPool(noisy))
    networks = Networks(trials=results)
    named = leader(networks)
    assert named is not None and networks.counts[named] > 1


@pytest.mark.parametrize("repeats", [1, 7])
def test_a_number_of_repeats_is_kept(repeats: int) -> None:
    results = search(FLAT, replace(AUTO, trials=20, repeats=repeats), ShufflingPool(noisy))
    assert [result.number for result in repeats_of(results)] == list(range(20 - repeats, 20))


def test_a_short_search_and_one_without_noise_repeat_nothing() -> None:
    assert not repeats_of(search(FLAT, replace(AUTO, trials=FEWEST - 1), ShufflingPool(noisy)))
    assert not repeats_of(search(FLAT, replace(AUTO, repeats=0), ShufflingPool(noisy)))
    exact = search(FLAT, AUTO, ShufflingPool(lambda candidate: noisy(candidate, 0.0)))
    # A few are needed to see that there is none.
    assert len(repeats_of(exact)) <= max(EQUAL, len(EARLY) + 1)
    with pytest.raises(InputError, match="repeats"):
        replace(AUTO, repeats=60)


def test_a_repeat_is_trained_to_the_end_and_does_not_count_for_the_pruner() -> None:
    def answer(candidate: Candidate) -> list[float]:
        return [noisy(candidate) * epoch / 4 for epoch in (1, 2, 3, 4)]

    for pruner in ("median", "halving", "hyperband"):
        settings = replace(AUTO, trials=40, window=4, pruner=pruner)
        alone = search(FLAT, settings, ShufflingPool(answer), fidelity={"epochs": 4})
        again = repeats_of(alone)
        assert again and all(len(result.curve) == 4 for result in again)
        assert any(result.status is Status.PRUNED for result in alone)
        together = search(FLAT, settings, ShufflingPool(answer, slots=4, seed=9), fidelity={"epochs": 4})
        assert told(alone) == told(together)


def test_members_of_the_front_are_measured_again() -> None:
    objective = Objective.parse("accuracy,macs")
    settings = replace(AUTO, sampler="evolution", trials=80, repeats=16, objective=objective)
    results = search(CONDITIONAL, settings, ShufflingPool(noisy))
    again = Counter(result.repeat_of for result in repeats_of(results))
    assert len(again) > 2
    costs = {results[number or 0].costs["macs"] for number in again}
    assert max(costs) - min(costs) > 10  # not only of the largest networks


def test_repeats_that_fail_are_not_tried_again_and_break_nothing() -> None:
    def answer(candidate: Candidate) -> float | Failure:
        if candidate.repeat and candidate.number % 2:
            return Failure(Status.DIED if candidate.number % 4 == 1 else Status.NAN, "bad luck")
        return noisy(candidate)

    for name in ("random", "controller", "tpe", "nsga2"):
        results = search(FLAT, replace(AUTO, sampler=name), ShufflingPool(answer))
        assert len(results) == AUTO.trials
        failed = [r for r in repeats_of(results) if r.status.failed]
        assert failed
        assert not {
            (r.repeat_of, s.number)
            for r in failed
            for s in repeats_of(results)
            if s.repeat_of == r.repeat_of and s.number > r.number
        }


def test_samplers_are_told_the_mean_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    from search.samplers.random import RandomSampler

    heard: list[TrialResult] = []
    monkeypatch.setattr(RandomSampler, "learns", True)
    monkeypatch.setattr(RandomSampler, "tell", lambda self, result: heard.append(result))
    results = search(FLAT, replace(AUTO, objective=Objective.parse("accuracy,macs")), ShufflingPool(noisy))
    assert any(result.repeat_of is not None for result in heard)
    for result in heard:
        if result.repeat_of is not None:
            first = results[result.repeat_of]
            so_far = [
                r.accuracy
                for r in results
                if r.number <= result.number and first.number in (r.number, r.repeat_of)
            ]
            assert result.values == pytest.approx(
                (sum(a or 0 for a in so_far) / len(so_far), -first.costs["macs"])
            )


def test_a_budget_of_epochs_leaves_room_for_repeats() -> None:
    settings = replace(AUTO, trials=1000, max_epochs=60)
    results = search(FLAT, settings, ShufflingPool(noisy))
    assert len(results) < 100
    assert len(repeats_of(results)) > 3
    store = MemoryTrialStore()
    search(FLAT, settings, ShufflingPool(noisy, stop_after=50), store)
    assert told(search(FLAT, settings, ShufflingPool(noisy), store)) == told(results)


def test_a_search_without_repeats_is_what_it_was() -> None:
    plain = search(FLAT, replace(AUTO, repeats=0), ShufflingPool(accuracy_of))
    auto = search(FLAT, AUTO, ShufflingPool(accuracy_of))
    first = min(result.number for result in repeats_of(auto))
    assert told(plain)[:first] == told(auto)[:first]


@pytest.mark.parametrize("budget", [{"max_seconds": 60.0}, {"max_epochs": 40}])
def test_a_search_that_goes_on_for_longer_than_was_expected_repeats_on(budget: dict[str, float]) -> None:
    rule = RepeatRule(replace(AUTO, trials=1000, **budget))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for trial in search(FLAT, replace(AUTO, trials=30, repeats=0), ShufflingPool(noisy)):
        # The first two that are measured again come early; the last trials take so long that the budget is spent.
        seconds = 1.0 if trial.number < 25 else 6.5
        result = trial.replace(
            started=moment,
            finished=moment + timedelta(seconds=seconds),
            epochs=int(seconds),
            repeat_of={12: 3, 20: 3}.get(trial.number),
        )
        rule.begin(result)
        rule.tell(result)
        moment += timedelta(seconds=seconds)
    for number in (30, 31, 45):
        assert rule.next(number) is not None
