"""TPE on arrays against Optuna's own."""

from __future__ import annotations

from collections import Counter

import optuna
import pytest

from evaluators.evaluator import Candidate, Failure
from results.trial_result import Status
from search.objective import Objective
from search.samplers.on_optuna import tpe_arrays
from search.settings import SearchSettings
from space.search_space import SearchSpace
from tests.search.fakes import CONDITIONAL, FLAT, ShufflingPool, accuracy_of, decisions_of, search


@pytest.mark.parametrize("space", [FLAT, CONDITIONAL], ids=lambda s: s.name)
@pytest.mark.parametrize("objective", ["accuracy", "accuracy,macs"])
def test_it_suggests_what_optunas_own_suggests(
    space: SearchSpace, objective: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ties, failures, repeats, trials pruned at several steps, and results that come late."""

    def answer(candidate: Candidate) -> list[float] | Failure:
        if candidate.number % 7 == 3:
            return Failure(Status.NAN, "diverged")
        final = round(accuracy_of(candidate), 2)
        return [final * share for share in (0.4, 0.7, 0.9, 1.0)]

    settings = SearchSettings(
        sampler="tpe", trials=80, window=3, pruner="median", objective=Objective.parse(objective)
    )
    on_arrays = search(space, settings, ShufflingPool(answer, slots=3), fidelity={"epochs": 4})
    states = Counter(result.state for result in on_arrays)
    assert min(states[state] for state in ("COMPLETE", "PRUNED", "FAIL")) > 4
    plain = optuna.samplers.TPESampler
    for name in ("_sample", "_get_internal_repr"):
        monkeypatch.setattr(tpe_arrays.ArrayTPE, name, getattr(plain, name))
    monkeypatch.setattr(tpe_arrays._Whole, "calculate", optuna.search_space.IntersectionSearchSpace.calculate)
    again = search(space, settings, ShufflingPool(answer, slots=3), fidelity={"epochs": 4})
    assert decisions_of(again) == decisions_of(on_arrays)
