"""The controller as a sampler: it learns where random search does not, and what it keeps does not grow."""

from __future__ import annotations

import random

import pytest

from results.trial_result import Status, TrialResult
from search.controller.sampler import ControllerSampler
from search.settings import SearchSettings
from space.search_space import Decision, SearchSpace
from tests.search.fakes import CONDITIONAL, ShufflingPool, search

LONG = SearchSpace("long", tuple(Decision(f"d{i}", (0, 1, 2)) for i in range(12)))


@pytest.mark.parametrize("algorithm", ["controller", "controller-ppo"])
def test_it_finds_what_random_search_does_not(algorithm: str) -> None:
    def answer(candidate: object) -> float:
        options = list(candidate.decisions.values())  # type: ignore[attr-defined]
        return sum(options) / 24 - 0.1 * (options[0] == options[1])

    best = {}
    for name in (algorithm, "random"):
        results = search(LONG, SearchSettings(sampler=name, trials=60, seed=1), ShufflingPool(answer))
        best[name] = max(result.values[0] for result in results if result.values)
    assert best[algorithm] >= 0.9 > best["random"]


def test_proposals_do_not_change_its_state() -> None:
    samplers = [ControllerSampler(CONDITIONAL, 5) for _ in range(2)]
    rng = random.Random(1)
    for number in range(20):
        decisions = CONDITIONAL.sample(rng)
        for sampler in samplers:
            sampler.begin(number, decisions)
            sampler.tell(
                TrialResult(number=number, status=Status.OK, decisions=decisions, values=(number / 20,))
            )
        stream = samplers[0].propose(number + 1)
        for _ in range(40):
            next(stream)
    assert next(samplers[0].propose(20)) == next(samplers[1].propose(20))
