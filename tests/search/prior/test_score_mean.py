"""Scores as a prior mean: standardised, expected of networks that were not scored, and weighed by the search's results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from search.candidate_cache import CandidateCache
from search.encoding import Encoding, Floats, Ints
from search.loop import Loop
from search.prior.network_scores import NetworkScores, ScoreSettings, score_names
from search.prior.score_mean import LAST, REFERENCE, ScoreModel
from search.samplers.registry import make_sampler
from search.settings import Budgets, SearchSettings
from search.trial_store import MemoryTrialStore
from space.errors import InputError, UnknownNameError
from space.search_space import Decision, Option, SearchSpace
from tests.search.fakes import CONDITIONAL, ShufflingPool, decisions_of

SPACE = SearchSpace("wide", tuple(Decision(f"d{i}", (1, 2, 3, 4)) for i in range(10)))
INFORMED = ("gp-ei", "controller")
SETTINGS = SearchSettings(sampler="gp-ei", trials=24, seed=3, window=3)


class Costly(Evaluator):
    """MACs are a product over the options; networks of an odd sum of options have no params."""

    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        raise AssertionError("never asked")

    def costs(self, decisions: Mapping[str, Option]) -> dict[str, float]:
        numbers = [float(v) for v in decisions.values() if not isinstance(v, str)]
        macs = float(np.prod([1 + number for number in numbers]))
        return {"macs": macs} if sum(numbers) % 2 else {"macs": macs, "params": 1 + sum(numbers)}


def scores(*names: str, space: SearchSpace = SPACE) -> NetworkScores:
    return NetworkScores(ScoreSettings(names), CandidateCache(space, Budgets(), Costly()))


def drawn(number: int, seed: int = 1) -> Ints:
    encoding = Encoding(SPACE)
    return encoding.complete(np.full((number, 10), -1), np.random.default_rng(seed))


def log_macs(rows: Ints) -> Floats:
    return np.log(rows + 2).sum(axis=1)


def test_scores_are_standardised_over_random_networks_and_expected_of_others() -> None:
    known = scores("macs")
    model = ScoreModel(Encoding(SPACE), known, seed=0)
    rows = drawn(400)
    expected = model.expected(rows)[:, 0]
    assert known.scored == REFERENCE
    measured = model.measured(rows)[:, 0]
    # An affine function of the logarithm, with median 0 and deviation 1 but for the 48 networks that are its measure.
    assert np.corrcoef(measured, log_macs(rows))[0, 1] == pytest.approx(1)
    assert abs(measured.mean()) < 0.5 and 0.6 < measured.std() < 1.6
    assert np.corrcoef(expected, measured)[0, 1] > 0.9


@pytest.mark.parametrize("sign", [1.0, -1.0, 0.0])
def test_the_weight_is_learned_from_the_results(sign: float) -> None:
    model = ScoreModel(Encoding(SPACE), scores("macs"), seed=0)
    rows, noise = drawn(60), np.random.default_rng(5).normal(0, 0.3, 60)
    mean = model.given(rows, sign * model.measured(rows)[:, 0] + noise)
    small, large = np.zeros((1, 10), dtype=np.int64), np.full((1, 10), 3)
    mean.score(np.concatenate([small, large]))
    gap = float((mean(large) - mean(small))[0])
    apart = float((model.measured(large) - model.measured(small))[0, 0])
    assert gap == pytest.approx(sign * apart, abs=0.15 * apart)


def test_a_score_that_is_missing_is_expected_and_counted() -> None:
    known = scores("params", "macs")
    model = ScoreModel(Encoding(SPACE), known, seed=0)
    rows = drawn(100)
    measured, expected = model.measured(rows), model.expected(rows)
    missing = (rows + 1).sum(axis=1) % 2 == 1
    assert np.isfinite(measured).all() and 20 < missing.sum() < 80
    assert (measured[missing, 0] == expected[missing, 0]).all()
    assert not np.isclose(measured[~missing, 0], expected[~missing, 0]).all()
    reference = known.scored - len(np.unique(rows, axis=0))
    assert reference == REFERENCE and missing.sum() < known.failed < missing.sum() + REFERENCE
    assert (
        known.sentence is not None and f"prior: {known.failed} of {known.scored} networks" in known.sentence
    )


def run(trials: int, store: MemoryTrialStore, known: NetworkScores, sampler: str) -> list[dict[str, Any]]:
    settings = replace(SETTINGS, sampler=sampler, trials=trials)
    cache = CandidateCache(CONDITIONAL, settings.budgets, Costly())
    Loop(settings, cache, make_sampler(CONDITIONAL, settings, scores=known), ShufflingPool(), store).run()
    return decisions_of(list(store.results()))


@pytest.mark.parametrize("sampler", INFORMED)
def test_a_stopped_search_goes_on_as_if_it_had_not(sampler: str) -> None:
    whole = run(24, MemoryTrialStore(), scores("macs", space=CONDITIONAL), sampler)
    store = MemoryTrialStore()
    assert run(13, store, scores("macs", space=CONDITIONAL), sampler) == whole[:13]
    assert run(24, store, scores("macs", space=CONDITIONAL), sampler) == whole


@pytest.mark.parametrize("name", INFORMED)
def test_few_networks_are_scored_for_a_suggestion(name: str) -> None:
    known = scores("macs")
    settings = replace(SETTINGS, sampler=name, trials=30)
    sampler = make_sampler(SPACE, settings, scores=known)
    cache = CandidateCache(SPACE, SETTINGS.budgets, Costly())
    Loop(settings, cache, sampler, ShufflingPool(), MemoryTrialStore()).run()
    assert known.scored <= REFERENCE + 30 * (LAST + 1)


@pytest.mark.parametrize(("sampler", "trials"), [("gp-ei", 12), ("controller", 14)])
def test_a_score_that_says_it_all_saves_evaluations(sampler: str, trials: int) -> None:
    """Accuracies that rise with the MACs: the first suggestions go towards the largest network."""

    def answer(candidate: Candidate) -> float:
        return 0.02 * sum(float(v) for v in candidate.decisions.values())

    found = {}
    for prior in (None, scores("macs")):
        settings = replace(SETTINGS, sampler=sampler, trials=trials, window=1)
        store = MemoryTrialStore()
        cache = CandidateCache(SPACE, settings.budgets, Costly())
        Loop(settings, cache, make_sampler(SPACE, settings, scores=prior), ShufflingPool(answer), store).run()
        found[prior is not None] = max(trial.accuracy or 0 for trial in store.results())
    assert found[True] > found[False] + 0.02


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("naswot,macs", ("naswot", "macs")),
        ("naswot:batch_size=32,repeats=2,params", ("naswot:batch_size=32,repeats=2", "params")),
    ],
)
def test_names_are_read(text: str, names: tuple[str, ...]) -> None:
    assert score_names(text) == names


def test_what_is_no_score_is_refused() -> None:
    for name in ("train:epochs=1", "naswott", "latency"):
        with pytest.raises(UnknownNameError, match="prior: no such name"):
            score_names(name)
    for text in ("", "macs,macs"):
        with pytest.raises(InputError, match="prior: wanted scores"):
            score_names(text)
    with pytest.raises(InputError, match="prior: wanted a cost that is known beforehand"):
        scores("latency_seconds").check()
    with pytest.raises(
        InputError, match="prior: wanted sampler controller or gp-ei, which use scores, got 'random'"
    ):
        make_sampler(SPACE, replace(SETTINGS, sampler="random"), scores=scores("macs"))
