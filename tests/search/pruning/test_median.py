"""The median rule against Optuna's own."""

from __future__ import annotations

import optuna
import pytest

from search.pruning.median import MedianRule
from tests.search.pruning.replays import Curves, curves, run


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


def test_the_median_is_of_results_known_before_the_trial_only() -> None:
    judge = MedianRule(9, startup_trials=1)
    for number in range(9):
        judge.end(number, [(2, 0.9)], True)
    for number, before, stops in ((20, 9, [(20, 2)]), (21, 0, [])):
        judge.begin(number, before)
        judge.report(number, 2, 0.5)
        assert judge.stops() == stops
