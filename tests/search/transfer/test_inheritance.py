"""A controller that starts from another study: sooner there if the study is related, not lost if it is not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from search.candidate_cache import CandidateCache
from search.controller.sampler import ControllerSampler
from search.encoding import Encoding
from search.loop import Loop
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.space_statistics import check_budgets
from search.transfer.experience import Experience
from search.transfer.inheritance import IMITATED, Inheritance
from search.trial_store import MemoryTrialStore
from space.errors import InputError
from space.search_space import Decision, Decisions, SearchSpace
from tests.search.fakes import CONDITIONAL, Priced, ShufflingPool

SPACE = SearchSpace("s", tuple(Decision(f"d{i}", ("a", "b", "c")) for i in range(8)))
WEIGHTS = np.random.default_rng(1).normal(size=(8, 3))


def quality(decisions: Decisions) -> float:
    """Between 0 and 1; one network has 1."""
    own = sum(WEIGHTS[i]["abc".index(str(v))] for i, v in enumerate(decisions.values()))
    low, high = WEIGHTS.min(axis=1).sum(), WEIGHTS.max(axis=1).sum()
    return float((own - low) / (high - low))


def study(sign: float, networks: int = 80) -> Experience:
    rng = random.Random(3)
    drawn = [SPACE.sample(rng) for _ in range(networks)]
    return Experience.of("other", Encoding(SPACE), drawn, [sign * quality(d) for d in drawn])


def best_after(trials: int, *experiences: Experience, pool: ShufflingPool | None = None) -> list[float]:
    settings = SearchSettings(trials=trials, seed=2)
    cache = CandidateCache(SPACE, settings.budgets, Priced())
    store = MemoryTrialStore()
    pool = pool or ShufflingPool(lambda candidate: quality(dict(candidate.decisions)))
    Loop(
        settings,
        cache,
        make_sampler(SPACE, settings, experiences),
        pool,
        store,
        feasible_fallback=check_budgets(cache, 2),
    ).run()
    values = [result.values[0] for result in store.results() if result.values]
    return list(np.maximum.accumulate(values))


def test_a_related_study_saves_evaluations() -> None:
    alone, taught = best_after(24), best_after(24, study(1.0))
    assert taught[5] > 0.96 > alone[5]


def test_a_misleading_study_is_overcome() -> None:
    assert best_after(40, study(-1.0))[-1] > 0.97


def test_the_same_studies_and_seed_give_the_same_search_at_any_order_of_results() -> None:
    def quick(candidate: object) -> float:
        return quality(dict(candidate.decisions))  # type: ignore[attr-defined]

    one = best_after(20, study(1.0))
    assert one == best_after(20, study(1.0), pool=ShufflingPool(quick, slots=1, seed=9))


def test_the_policy_learns_from_a_study_by_its_weight() -> None:
    inheritance = Inheritance(Encoding(SPACE), [study(1.0), study(-1.0)])
    rng = random.Random(5)
    measured = [SPACE.sample(rng) for _ in range(30)]
    rows = np.array([Encoding(SPACE).row(d) for d in measured])
    scores = np.array([quality(d) for d in measured])
    scores = (scores - scores.mean()) / scores.std()
    taught, advantages = inheritance.lesson(rows, scores, np.random.default_rng(0))
    assert len(taught) == len(advantages)
    related, misleading = np.split(advantages, 2)
    assert related[-IMITATED:].max() > 0.3
    assert not misleading.any()


def test_conditional_spaces_are_inherited_too() -> None:
    rng = random.Random(1)
    drawn = [CONDITIONAL.sample(rng) for _ in range(30)]
    experience = Experience.of("other", Encoding(CONDITIONAL), drawn, [rng.random() for _ in drawn])
    sampler = ControllerSampler(CONDITIONAL, 1)
    sampler.inherit([experience])
    for number in (0, 1):
        decisions = next(sampler.propose(number))
        assert CONDITIONAL.validate(decisions) == decisions


def test_samplers_that_cannot_learn_from_studies_say_so() -> None:
    with pytest.raises(InputError, match="learn_from: wanted sampler controller or controller-ppo"):
        make_sampler(SPACE, SearchSettings(sampler="tpe"), [study(1.0)])
