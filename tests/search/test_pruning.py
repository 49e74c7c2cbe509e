"""Pruning rules against Optuna's own, against the definition, and through a search that was stopped."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from statistics import mean

import optuna
import pytest

from evaluators.evaluator import Candidate
from search.objective import Objective
from search.pruning import (
    PRUNERS,
    HalvingRule,
    HyperbandRule,
    MedianRule,
    Rule,
    epoch_rungs,
    expected_steps,
    rule,
)
from search.settings import SearchSettings
from search.trial_store import MemoryTrialStore
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


def run(chosen: Rule, given: Curves) -> list[int]:
    """Trains one curve after the other; gives the epochs that each was trained for."""
    lengths = []
    for number, values in enumerate(given):
        chosen.begin(number, number)
        length = len(values)
        for epoch, value in enumerate(values, start=1):
            chosen.report(number, epoch, value)
            if stops := chosen.stops():
                assert stops == [(number, epoch)]
                length = epoch
                break
        assert not chosen.waits(number)
        chosen.end(number, list(enumerate(values[:length], start=1)), length == len(values))
        lengths.append(length)
    return lengths


def run_together(chosen: Rule, given: Curves, slots: int, seed: int) -> list[int]:
    """The same with several at once, whose epochs come in any order; some workers die and begin again."""
    rng = random.Random(seed)
    lengths = [0] * len(given)
    running: dict[int, int] = {}
    held: set[int] = set()
    waiting = list(range(len(given)))

    def end(number: int, length: int) -> None:
        lengths[number] = length
        whole = length == len(given[number])
        chosen.end(number, list(enumerate(given[number][:length], start=1)), whole)

    while waiting or running or held:
        while waiting and len(running) < slots:
            number = waiting.pop(0)
            chosen.begin(number, 0)
            running[number] = 0
        number = rng.choice(list(running))
        running[number] += 1
        chosen.report(number, running[number], given[number][running[number] - 1])
        if running[number] == len(given[number]):
            del running[number]
            held.add(number)
        elif rng.random() < 0.05:
            running[number] = 0
        while True:
            lost = chosen.stops()
            over = [n for n in held if not chosen.waits(n) and n not in dict(lost)]
            for number, step in lost:
                running.pop(number, None)
                held.discard(number)
                end(number, step)
            for number in over:
                held.discard(number)
                end(number, len(given[number]))
            if not lost and not over:
                break
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
    assert run(MedianRule(9), given) == optuna_lengths(pruner, given)


def by_definition(given: Curves, rungs: Sequence[int], reduction: float) -> list[int]:
    at: dict[int, list[float]] = {rung: [] for rung in rungs}
    gone_on = dict.fromkeys(rungs, 0)
    lengths = []
    for values in given:
        length = len(values)
        for rung in rungs:
            best = max(values[:rung])
            rank = sorted([*at[rung], best], reverse=True).index(best)
            keep = (len(at[rung]) + 1) // reduction
            at[rung].append(best)
            if rank > 0 and (rank >= keep or gone_on[rung] >= keep):
                length = rung
                break
            gone_on[rung] += 1
        lengths.append(length)
    return lengths


@pytest.mark.parametrize("seed", range(5))
def test_halving_keeps_the_best_share_of_every_rung(seed: int) -> None:
    given = curves(seed)
    assert run(HalvingRule([1, 3], 3), given) == by_definition(given, [1, 3], 3)
    by_name = rule("halving", 9)
    assert by_name is not None
    assert run(by_name, given) == by_definition(given, [1, 3, 5], 1.5)


def test_hyperband_deals_trials_to_brackets_and_compares_within_them() -> None:
    given = curves(1, count=300, epochs=27)
    hyperband = rule("hyperband", 27)
    assert isinstance(hyperband, HyperbandRule)
    assert [bracket.rungs for bracket in hyperband.brackets] == [[3, 9, 15], [9, 15]]
    lengths = run(hyperband, given)
    for bracket in hyperband.brackets:
        members = [n for n in range(300) if hyperband.bracket(n) is bracket]
        assert members
        assert [lengths[n] for n in members] == by_definition([given[n] for n in members], bracket.rungs, 1.5)


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [
        (1, []),
        (2, [1]),
        (3, [1, 2]),
        (4, [1, 2]),
        (5, [1, 2, 3]),
        (9, [1, 3, 5]),
        (27, [3, 9, 15]),
        (90, [10, 30, 50]),
    ],
)
def test_rungs_lie_at_a_ninth_a_third_and_five_ninths(epochs: int, rungs: list[int]) -> None:
    assert epoch_rungs(epochs) == rungs
    for name in ("halving", "hyperband"):
        chosen = rule(name, epochs)
        assert chosen is not None
        lengths = run(chosen, [[1 - 0.01 * n] * epochs for n in range(12)])
        assert set(lengths) <= {*rungs, epochs} and lengths[0] == epochs


@pytest.mark.parametrize("name", ["median", "halving", "hyperband"])
def test_pruning_spares_epochs_and_keeps_the_best(name: str) -> None:
    spent, kept = [], 0
    for seed in range(10):
        given = curves(seed, count=60)
        chosen = rule(name, 9)
        assert chosen is not None
        lengths = run(chosen, given)
        spent.append(sum(lengths) / (9 * 60))
        finals = [values[-1] for values, length in zip(given, lengths, strict=True) if length == 9]
        kept += max(finals) >= max(values[-1] for values in given) - 0.1
    assert mean(spent) < 0.75
    assert kept >= 8


@pytest.mark.parametrize("name", ["halving", "hyperband"])
@pytest.mark.parametrize("seed", range(5))
def test_who_is_stopped_does_not_hang_on_the_timing(name: str, seed: int) -> None:
    given = curves(seed)
    alone, together = rule(name, 9), rule(name, 9)
    assert alone is not None and together is not None
    assert run_together(together, given, 4, seed) == run(alone, given)


def test_the_median_is_of_what_was_told_before_the_trial_only() -> None:
    judge = MedianRule(9, startup_trials=1)
    for number in range(9):
        judge.end(number, [(2, 0.9)], True)
    for number, before, stops in ((20, 9, [(20, 2)]), (21, 0, [])):
        judge.begin(number, before)
        judge.report(number, 2, 0.5)
        assert judge.stops() == stops


def test_the_last_epoch_is_not_judged() -> None:
    for name in PRUNERS[1:]:
        chosen = rule(name, 3)
        assert chosen is not None
        assert len(run(chosen, [[0.9, 0.9, 0.9 - 0.1 * i] for i in range(9)])) == 9
        chosen.begin(9, 9)
        chosen.report(9, 3, 0.0)
        assert chosen.stops() == []


def test_a_ladder_is_judged_after_each_of_its_steps() -> None:
    hyperband = rule("hyperband", 3, restarts=True)
    assert isinstance(hyperband, HyperbandRule)
    assert [bracket.rungs for bracket in hyperband.brackets] == [[1, 2], [2]]
    halving = rule("halving", 3, restarts=True)
    assert isinstance(halving, HalvingRule)
    assert halving.rungs == [1, 2]


def test_brackets_may_spend_alike() -> None:
    assert expected_steps([1, 3, 9], 27, 3) == pytest.approx(1 + 2 / 3 + 6 / 9 + 18 / 27)
    hyperband = HyperbandRule([1, 3, 9], 27, 3, 3)
    counts = Counter(hyperband.brackets.index(hyperband.bracket(n)) for n in range(600))
    # The first trial of a bracket counts as a whole training: nobody can stop it.
    spent = [27 + (counts[i] - 1) * expected_steps(b.rungs, 27, 3) for i, b in enumerate(hyperband.brackets)]
    assert max(spent) - min(spent) <= expected_steps([9], 27, 3)
    assert counts[0] > 1.9 * counts[1] > 3.8 * counts[2] > 0


@pytest.mark.parametrize("epochs", [9, 27, 60])
def test_late_brackets_get_what_the_share_of_all_epochs_allows(epochs: int) -> None:
    hyperband = rule("hyperband", epochs)
    assert isinstance(hyperband, HyperbandRule)
    early, late = hyperband.brackets
    seen = [0, 0]
    for count in range(1, 2000):
        seen[hyperband.bracket(count - 1) is late] += 1
        costs = [
            epochs + (n - 1) * expected_steps(bracket.rungs, epochs) if n else 0
            for n, bracket in zip(seen, (early, late), strict=True)
        ]
        if seen[1]:
            # The early bracket is never refused a trial: at most one of its may be above.
            assert sum(costs) <= 0.5 * epochs * count + expected_steps(early.rungs, epochs)
    assert seen[0] > seen[1] > 5


def test_names() -> None:
    assert rule("none", 5) is None
    assert all(rule(name, 5) is not None for name in PRUNERS if name != "none")
    with pytest.raises(UnknownNameError, match="nearest: hyperband"):
        rule("hyperbnd", 5)


def test_a_training_of_one_epoch_has_nothing_to_prune() -> None:
    for name in ("halving", "hyperband"):
        chosen = rule(name, 1)
        assert chosen is not None
        assert run(chosen, [[0.5], [0.1], [0.0]]) == [1, 1, 1]


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
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
