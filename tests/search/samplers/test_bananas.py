"""BANANAS: it learns, its state is what it was told, and what it keeps is bounded."""

from __future__ import annotations

import random

from results.trial_result import Status, TrialResult
from search.samplers.bananas import CAPACITY, STARTUP, BananasSampler
from search.settings import SearchSettings
from space.search_space import Decision, Decisions, SearchSpace
from tests.search.fakes import CONDITIONAL, ShufflingPool, search

LONG = SearchSpace("long", tuple(Decision(f"d{i}", (0, 1, 2)) for i in range(12)))


def told(number: int, decisions: Decisions, value: float) -> TrialResult:
    return TrialResult(number=number, status=Status.OK, decisions=decisions, values=(value,))


def test_it_finds_what_random_search_does_not() -> None:
    def answer(candidate: object) -> float:
        options = list(candidate.decisions.values())  # type: ignore[attr-defined]
        return sum(options) / 24 - 0.1 * (options[0] == options[1])

    best = {}
    for name in ("bananas", "random"):
        results = search(LONG, SearchSettings(sampler=name, trials=60, seed=1), ShufflingPool(answer))
        best[name] = max(result.values[0] for result in results if result.values)
    assert best["bananas"] >= 0.9 > best["random"]


def test_it_proposes_the_same_whether_it_was_asked_before_or_not() -> None:
    asked, replayed = (BananasSampler(CONDITIONAL, 5, 1) for _ in range(2))
    rng = random.Random(1)
    for number in range(STARTUP + 14):
        stream = asked.propose(number)
        for _ in range(30):
            next(stream)
        result = told(number, CONDITIONAL.sample(rng), rng.random())
        for sampler in (asked, replayed):
            sampler.begin(number, result.decisions)
            sampler.tell(result)
    number = STARTUP + 14
    one, other = asked.propose(number), replayed.propose(number)
    assert [next(one) for _ in range(20)] == [next(other) for _ in range(20)]


def test_what_it_keeps_is_bounded_and_holds_the_best() -> None:
    sampler = BananasSampler(LONG, 0, 1)
    rng = random.Random(0)
    values = [rng.random() for _ in range(3 * CAPACITY)]
    for number, value in enumerate(values):
        decisions: Decisions = {f"d{i}": number // 3**i % 3 for i in range(12)}
        sampler.begin(number, decisions)
        sampler.tell(told(number, decisions, value))
        assert len(sampler._kept) < CAPACITY + 10
    kept = {result.number for result in sampler._kept.values()}
    best = sorted(range(len(values)), key=values.__getitem__)[-CAPACITY // 3 :]
    assert kept >= {*best, *range(len(values) - CAPACITY // 3, len(values))}


def test_a_network_measured_again_counts_with_its_newest_value() -> None:
    sampler = BananasSampler(LONG, 0, 1)
    decisions = LONG.sample(random.Random(0))
    sampler.begin(0, decisions)
    sampler.tell(told(0, decisions, 0.9))
    sampler.begin(1, decisions)
    sampler.tell(told(1, decisions, 0.5))
    assert [result.values for result in sampler._kept.values()] == [(0.5,)]
