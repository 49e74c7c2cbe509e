"""Which networks are measured again, and what becomes of each measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from evaluators.evaluator import Candidate, Failure
from results.driver import ATTRIBUTE, Driver
from results.studies import load
from results.trial_result import Status, TrialResult
from results.verified import FreshMeasurement, fresh_measurements
from search.objective import Objective
from search.storage import storage_of
from search.verification import Contender, VerificationStore, contenders, fresh_seeds, measure
from space.errors import InputError, RunError
from tests import factories
from tests.search.fakes import ShufflingPool

optuna.logging.set_verbosity(optuna.logging.WARNING)


def trial(number: int, accuracy: float | None, **others: object) -> TrialResult:
    known = {"status": Status.OK, "key": f"k{number}", "costs": {"macs": 100.0 * (number + 1)}}
    return TrialResult(number=number, accuracy=accuracy, **{**known, **others})  # type: ignore[arg-type]


TRIALS = [
    trial(0, 0.5),
    trial(1, 0.9),
    trial(2, 0.95, feasible=False),
    trial(3, 0.99, status=Status.PRUNED),
    trial(4, 0.9, status=Status.REUSED, key="k1", measured_by=1),
    trial(5, 0.7, balanced_accuracy=0.2),
    trial(6, 0.9),
    trial(7, None, status=Status.FAILED),
]


def numbers(found: list[Contender]) -> list[int]:
    return [one.number for one in found]


def test_the_best_complete_feasible_networks_once_each() -> None:
    assert numbers(contenders(TRIALS, Objective(), 3)) == [1, 6, 5]
    assert numbers(contenders(TRIALS, Objective(), 99)) == [1, 6, 5, 0]


def test_the_merit_is_the_objectives() -> None:
    costly = Objective.parse("mnas", target=100.0, exponent=-1.0)
    found = contenders(TRIALS, costly, 2)
    assert numbers(found) == [0, 1]
    assert [(one.accuracy, one.factor) for one in found] == [(0.5, 1.0), (0.9, 0.5)]
    balanced = [replace(t, balanced_accuracy=t.number / 10) for t in TRIALS]
    assert numbers(contenders(balanced, Objective.parse("balanced_accuracy,macs"), 2)) == [6, 5]


def test_one_network_is_too_few() -> None:
    with pytest.raises(InputError, match="study: wanted a study with two networks or more"):
        contenders(TRIALS[1:5], Objective(), 5)


def test_more_seeds_begin_with_fewer_and_are_not_the_studys() -> None:
    assert fresh_seeds(4, 2) == (5, 6) == fresh_seeds(4, 3)[:2]


NETWORKS = contenders(TRIALS, Objective(), 3)
WANTED = [
    (one, FreshMeasurement(key=one.key, seed=seed, fidelity="epochs=2"))
    for seed in (1, 2)
    for one in NETWORKS
]


def answered(candidate: Candidate) -> list[float]:
    return [0.1, candidate.seed + int(candidate.key[1:]) / 100]


@pytest.mark.parametrize("slots", [1, 3])
def test_each_network_is_measured_with_each_seed(slots: int) -> None:
    kept: list[FreshMeasurement] = []
    pool = ShufflingPool(answered, slots)
    measure(pool, WANTED, merit="accuracy", twice=True, keep=kept.append, lost=kept.append)
    assert {(m.key, m.seed, m.accuracy, m.again) for m in kept} == {
        (f"k{number}", seed, seed + number / 100, 0.1) for number in (1, 6, 5) for seed in (1, 2)
    }
    assert [c.seed for c in pool.submitted] == [1, 1, 1, 2, 2, 2]


def test_a_networks_own_failure_is_kept_and_a_machines_is_not() -> None:
    def answer(candidate: Candidate) -> list[float] | Failure:
        if candidate.key == "k6":
            return Failure(Status.NAN, "the loss became nan")
        if candidate.key == "k5" and candidate.seed == 2:
            return Failure(Status.DIED, "killed")
        return [0.5]

    kept: list[FreshMeasurement] = []
    lost: list[FreshMeasurement] = []
    measure(ShufflingPool(answer), WANTED, merit="accuracy", twice=False, keep=kept.append, lost=lost.append)
    assert [m.error for m in kept if m.key == "k6"] == ["nan: the loss became nan"] * 2
    assert [(m.key, m.seed, m.error) for m in lost] == [("k5", 2, "died: killed")]
    assert all(m.again is None for m in kept)


def test_measurements_are_kept_in_the_study_by_one_process_at_a_time(database: str) -> None:
    url = factories.stored_study(database, 2, architectures=False)
    one = FreshMeasurement(key="a", seed=1, fidelity="table", accuracy=0.5)
    store = VerificationStore(url, "digits")
    store.keep(one)
    store.keep(replace(one, accuracy=0.25))
    store.close()
    assert fresh_measurements(load("digits", url).attributes) == {one.name: replace(one, accuracy=0.25)}
    storage = storage_of(url)
    study_id = storage.get_study_id_from_name("digits")
    assert storage.get_study_system_attrs(study_id)[ATTRIBUTE] is None
    # The parent of this process is at work, as far as can be told.
    other = replace(Driver.this(), pid=1, began=Driver.of_json({"pid": 1}) and _began_of(1))
    storage.set_study_system_attr(study_id, ATTRIBUTE, other.to_json())
    with pytest.raises(RunError, match="another search"):
        VerificationStore(url, "digits")


def _began_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
