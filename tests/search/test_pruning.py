"""Pruning rules against Optuna's own, against the definition, and through a search that was stopped."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import mean

import optuna
import pytest

from evaluators.evaluator import Candidate
from search.objective import Objective
from search.persistence import MemoryLedger
from search.pruning import PRUNERS, HalvingRule, HyperbandRule, MedianRule, rule
from search.settings import SearchSettings
from space.errors import UnknownNameError
from tests.search.fakes import CONDITIONAL, ShufflingPool, accuracy_of, search

Curves = list[list[float]]


def curves(seed: int, count: int = 40, epochs: int = 9) -> Curves:
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        level, speed = rng.random(), rng.uniform(0.2, 1)
        made.append([level * (1 - (1 - speed) ** e) + rng.gauss(0, 0.03) for e in range(1, epochs + 1)])
    return made


def run(chosen: MedianRule | HalvingRule | HyperbandRule, given: Curves) -> list[int]:
    """Trains one curve after the other; gives the epochs that each was trained for."""
    lengths = []
    for number, values in enumerate(given):
        seen: dict[int, float] = {}
        pruned = False
        for epoch, value in enumerate(values, start=1):
            seen[epoch] = value
            if epoch < len(values) and chosen.prunes(number, seen, number):
                pruned = True
                break
        chosen.learn(number, list(seen.items()), not pruned)
        lengths.append(len(seen))
    return lengths


def optuna_lengths(pruner: optuna.pruners.BasePruner, given: Curves) -> list[int]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    lengths = []
    for values in given:
        trial = study.ask()
        for epoch, value in enumerate(values, start=1):
            trial.report(value, epoch)
            if epoch < len(values) and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, values[-1])
        lengths.append(epoch)
    return lengths


@pytest.mark.parametrize("seed", range(5))
def test_the_median_rule_is_optunas(seed: int) -> None:
    given = curves(seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
    assert run(MedianRule(), given) == optuna_lengths(pruner, given)


def by_definition(given: Curves, rungs: Sequence[int], reduction: int) -> list[int]:
    at: dict[int, list[float]] = {rung: [] for rung in rungs}
    lengths = []
    for values in given:
        length = len(values)
        for rung in rungs:
            best = max(values[:rung])
            rank = sorted([*at[rung], best], reverse=True).index(best)
            keep = max(1, (len(at[rung]) + 1) // reduction)
            at[rung].append(best)
            if rank >= keep:
                length = rung
                break
        lengths.append(length)
    return lengths


@pytest.mark.parametrize("seed", range(5))
def test_halving_keeps_the_best_third_of_every_rung(seed: int) -> None:
    given = curves(seed)
    halving = HalvingRule(9)
    assert halving.rungs == [1, 3]
    assert run(halving, given) == by_definition(given, [1, 3], 3)


def test_hyperband_deals_trials_to_brackets_and_compares_within_them() -> None:
    given = curves(1, count=60, epochs=27)
    hyperband = HyperbandRule(27)
    assert [bracket.rungs for bracket in hyperband.brackets] == [[1, 3, 9], [3, 9], [9]]
    lengths = run(hyperband, given)
    for bracket in hyperband.brackets:
        members = [n for n in range(60) if hyperband.bracket(n) is bracket]
        assert members
        assert [lengths[n] for n in members] == by_definition([given[n] for n in members], bracket.rungs, 3)


@pytest.mark.parametrize("name", ["median", "halving", "hyperband"])
def test_pruning_spares_epochs_and_keeps_the_best(name: str) -> None:
    spent, kept = [], 0
    for seed in range(10):
        given = curves(seed, count=60)
        chosen = rule(name, 9)
        assert chosen is not None
        lengths = run(chosen, given)  # type: ignore[arg-type]
        spent.append(sum(lengths) / (9 * 60))
        finals = [values[-1] for values, length in zip(given, lengths, strict=True) if length == 9]
        kept += max(finals) >= max(values[-1] for values in given) - 0.1
    assert mean(spent) < 0.75
    assert kept >= 8


def test_a_trial_is_judged_by_what_was_told_before_it_only() -> None:
    judge = HalvingRule(9)
    for number in range(9):
        judge.learn(number, [(1, 0.9)], False)
    assert judge.prunes(20, {1: 0.5}, before=9)
    assert not judge.prunes(20, {1: 0.5}, before=0)


def test_names() -> None:
    assert rule("none", 5) is None
    assert all(rule(name, 5) is not None for name in PRUNERS if name != "none")
    with pytest.raises(UnknownNameError, match="nearest: hyperband"):
        rule("hyperbnd", 5)


def test_a_training_of_one_epoch_has_nothing_to_prune() -> None:
    for name in ("halving", "hyperband"):
        chosen = rule(name, 1)
        assert chosen is not None
        assert not chosen.prunes(3, {1: 0.0}, 3)


@pytest.mark.parametrize("objective", ["accuracy", "accuracy,macs"])
def test_a_stopped_search_prunes_as_if_it_had_not_been_stopped(objective: str) -> None:
    """The rule is rebuilt from stored curves, and works with several objectives too."""

    def answer(candidate: Candidate) -> list[float]:
        final = accuracy_of(candidate)
        return [final * share for share in (0.4, 0.7, 0.9, 1.0)]

    settings = SearchSettings(
        sampler="random", trials=30, window=2, pruner="median", objective=Objective.parse(objective)
    )
    whole = search(CONDITIONAL, settings, ShufflingPool(answer, slots=2))
    ledger = MemoryLedger()
    search(CONDITIONAL, settings, ShufflingPool(answer, slots=2, stop_after=12), ledger)
    resumed = search(CONDITIONAL, settings, ShufflingPool(answer, slots=2, seed=1), ledger)
    assert [(r.state, r.decisions, r.curve) for r in resumed] == [
        (r.state, r.decisions, r.curve) for r in whole
    ]
    assert {"PRUNED", "COMPLETE"} == {r.state for r in whole}
