"""What every rule does, by itself and through a search that was stopped."""

from __future__ import annotations

from statistics import mean

import pytest

from evaluators.evaluator import Candidate
from search.objective import Objective
from search.settings import SearchSettings
from search.trial_store import MemoryTrialStore
from tests.search.fakes import CONDITIONAL, ShufflingPool, accuracy_of, search
from tests.search.pruning.replays import RULES, curves, made, run, run_together


@pytest.mark.parametrize("name", RULES)
def test_pruning_spares_epochs_and_keeps_the_best(name: str) -> None:
    spent, kept = [], 0
    for seed in range(10):
        given = curves(seed, count=60)
        chosen = made(name, 9)
        lengths = run(chosen, given)
        spent.append(sum(lengths) / (9 * 60))
        finals = [values[-1] for values, length in zip(given, lengths, strict=True) if length == 9]
        kept += max(finals) >= max(values[-1] for values in given) - 0.1
    assert mean(spent) < 0.75
    assert kept >= 8


@pytest.mark.parametrize("name", ["halving", "hyperband"])
@pytest.mark.parametrize("seed", range(5))
def test_who_is_stopped_does_not_depend_on_the_timing(name: str, seed: int) -> None:
    given = curves(seed)
    alone, together = made(name, 9), made(name, 9)
    assert run_together(together, given, 4, seed) == run(alone, given)


def test_the_last_epoch_is_not_judged() -> None:
    for name in RULES:
        chosen = made(name, 3)
        assert len(run(chosen, [[0.9, 0.9, 0.9 - 0.1 * i] for i in range(9)])) == 9
        chosen.begin(9, 9)
        chosen.report(9, 3, 0.0)
        assert chosen.stops() == []


def test_a_training_of_one_epoch_has_nothing_to_prune() -> None:
    for name in ("halving", "hyperband"):
        chosen = made(name, 1)
        assert run(chosen, [[0.5], [0.1], [0.0]]) == [1, 1, 1]


@pytest.mark.parametrize("pruner", RULES)
@pytest.mark.parametrize("objective", ["accuracy", "accuracy,macs"])
def test_a_stopped_search_prunes_as_if_it_had_not_been_stopped(objective: str, pruner: str) -> None:
    """The rule is rebuilt from stored curves, and works with several objectives too."""

    def answer(candidate: Candidate) -> list[float]:
        final = accuracy_of(candidate)
        return [final * share for share in (0.4, 0.7, 0.9, 1.0)]

    settings = SearchSettings(
        sampler="random", trials=30, window=2, pruner=pruner, objective=Objective.parse(objective)
    )
    whole = search(CONDITIONAL, settings, ShufflingPool(answer), fidelity={"epochs": 4})
    store = MemoryTrialStore()
    search(CONDITIONAL, settings, ShufflingPool(answer, slots=2, stop_after=12), store, {"epochs": 4})
    resumed = search(CONDITIONAL, settings, ShufflingPool(answer, slots=2, seed=1), store, {"epochs": 4})
    assert [(r.state, r.decisions, r.curve) for r in resumed] == [
        (r.state, r.decisions, r.curve) for r in whole
    ]
    assert {"PRUNED", "COMPLETE"} == {r.state for r in whole}
