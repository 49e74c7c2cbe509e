"""Fresh starts: a search that is stuck is given up for others, which know only what they found themselves."""

from __future__ import annotations

import random

import numpy as np
import pytest

from results.trial_result import Status, TrialResult
from search.controller.sampler import FRESH, ControllerSampler
from space.search_space import Decision, SearchSpace

NEIGHBOURS = 6 * 4
SPACE = SearchSpace("trap", tuple(Decision(f"d{i}", ("a", "b", "c", "d", "e")) for i in range(6)))


def fed(values: list[float], objectives: int = 1) -> ControllerSampler:
    """A sampler that was told one network for each of ``values``."""
    sampler, rng = ControllerSampler(SPACE, 3, objectives), random.Random(0)
    for number, value in enumerate(values):
        decisions = SPACE.sample(rng)
        sampler.begin(number, decisions)
        all_values = (value, *(-1.0 for _ in range(objectives - 1)))
        sampler.tell(TrialResult(number=number, status=Status.OK, decisions=decisions, values=all_values))
    return sampler


def test_fresh_agents_work_once_nothing_better_is_found_and_no_sooner() -> None:
    better = fed([n / 100 for n in range(60)])
    assert not any(better._is_fresh(n) for n in range(100))
    assert not any(fed([0.5] * NEIGHBOURS)._is_fresh(n) for n in range(100))
    stuck = fed([0.5] * (NEIGHBOURS + 11))
    assert np.mean([stuck._is_fresh(n) for n in range(1000)]) == pytest.approx(FRESH, abs=0.01)
    assert stuck._fresh is not None and len(stuck._fresh.history) < 11 < len(stuck.agent.history)


def test_what_a_fresh_agent_finds_is_gone_on_from() -> None:
    sampler = fed([0.5] * (NEIGHBOURS + 11))
    number = next(n for n in range(NEIGHBOURS + 11, 100) if sampler._is_fresh(n))
    decisions = next(sampler.propose(number))
    sampler.begin(number, decisions)
    sampler.tell(TrialResult(number=number, status=Status.OK, decisions=decisions, values=(0.9,)))
    assert sampler.agent.history.stale == 0
    assert not any(sampler._is_fresh(n) for n in range(1000))


def test_a_repeat_tells_a_fresh_agent_nothing() -> None:
    sampler = fed([0.5] * (NEIGHBOURS + 11))
    assert sampler._fresh is not None
    before, best = len(sampler._fresh.history), sampler.agent.history.results[0]
    for number in range(100, 120):
        sampler.begin(number, best.decisions)
        sampler.tell(
            TrialResult(
                number=number,
                status=Status.OK,
                decisions=best.decisions,
                values=(0.5,),
                repeat_of=best.number,
            )
        )
    assert len(sampler._fresh.history) == before and sampler.agent.history.stale == NEIGHBOURS + 10


def test_with_several_objectives_they_seek_the_accurate_end() -> None:
    sampler = fed([0.5] * (NEIGHBOURS + 11), objectives=2)
    fresh = [n for n in range(300) if sampler._is_fresh(n)]
    assert fresh and all(n % 3 == 0 for n in fresh)
