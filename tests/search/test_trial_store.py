"""Stored studies: what Optuna reads back, what a kill leaves, what is refused."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from evaluators.evaluator import Candidate, Failure
from results import studies
from results.storage_url import sqlite_path
from results.trial_result import Status
from search.objective import Objective
from search.patience import PatientTrialStore
from search.settings import SearchSettings
from search.study import open_study, release_study
from space.errors import InputError, RunError
from space.search_space import SearchSpace
from tests.processes import environment
from tests.search.fakes import CONDITIONAL, FLAT, ShufflingPool, decisions_of, search


def store_of(
    url: str,
    space: SearchSpace = CONDITIONAL,
    objective: str = "accuracy",
    said: list[str] | None = None,
    patience: float = 60.0,
    **spec: object,
) -> PatientTrialStore:
    chosen = {"trials": 12, "space": space.name, **spec}
    return open_study(
        url,
        "s",
        chosen,
        Objective.parse(objective),
        space,
        {"provenance": {}, "space": {"decisions": [[d.name, list(d.options)] for d in space.decisions]}},
        may_change=("trials", "workers"),
        patience=patience,
        say=(lambda text: None) if said is None else said.append,
    )


def test_optuna_reads_what_was_written(database: str) -> None:
    store = store_of(database)

    def answer(candidate: Candidate) -> list[float] | Failure:
        return Failure(Status.NAN, "diverged") if candidate.number == 4 else [0.25, 0.5]

    rows = search(CONDITIONAL, SearchSettings(trials=12, window=2), ShufflingPool(answer, slots=2), store)
    release_study(store)
    study = optuna.load_study(study_name="s", storage=database)
    assert [t.number for t in study.trials] == list(range(12))
    for trial, row in zip(study.trials, rows, strict=True):
        assert trial.params == row.decisions
        assert all(
            isinstance(d, optuna.distributions.CategoricalDistribution) for d in trial.distributions.values()
        )
        assert (trial.user_attrs["nascale:key"], trial.user_attrs["nascale:costs"]) == (row.key, row.costs)
        assert trial.user_attrs["nascale:result"]["status"] == row.status
        assert trial.datetime_start is not None and trial.datetime_complete is not None
        if row.number == 4:
            assert trial.state.name == "FAIL"
            assert (row.status, row.error) == (Status.NAN, "diverged")
        else:
            assert trial.state.name == "COMPLETE" and trial.value == 0.5
            assert trial.intermediate_values == {1: 0.25, 2: 0.5}
    assert study.best_value == 0.5
    assert study.user_attrs["nascale:objectives"] == [{"name": "accuracy", "direction": "maximize"}]
    # Another tool can go on with the study.
    trial = study.ask(
        {d.name: optuna.distributions.CategoricalDistribution(d.options) for d in FLAT.decisions}
    )
    study.tell(trial, 0.1)


def test_rows_come_back_as_they_were(database: str) -> None:
    store = store_of(database, objective="accuracy,macs")
    settings = SearchSettings(trials=8, objective=Objective.parse("accuracy,macs"))
    written = search(CONDITIONAL, settings, None, store)
    release_study(store)
    again = store_of(database, objective="accuracy,macs")
    assert again.results() == written
    release_study(again)


def test_a_stop_on_purpose_leaves_nothing_running(database: str) -> None:
    store = store_of(database)
    settings = SearchSettings(trials=12, window=3)
    search(CONDITIONAL, settings, ShufflingPool(slots=3, stop_after=5), store)
    states = {row.state for row in store.results()}
    assert "RUNNING" not in states and "WAITING" in states
    search(CONDITIONAL, settings, ShufflingPool(slots=2), store)
    assert [row.state for row in store.results()] == ["COMPLETE"] * 12
    release_study(store)
    path = sqlite_path(database)
    assert path is None or not path.with_name("store.db-wal").exists()


SCRIPT = """
import sys, time
from collections.abc import Callable
from pathlib import Path
from search.settings import SearchSettings
from tests.search.fakes import CONDITIONAL, ShufflingPool, accuracy_of, search
from tests.search.test_trial_store import store_of

def slow(candidate):
    print(candidate.number, flush=True)
    time.sleep(0.02)
    return accuracy_of(candidate)

search(CONDITIONAL, SearchSettings(trials=30, window=3), ShufflingPool(slow, slots=3), store_of(sys.argv[1]))
"""


def test_a_killed_search_goes_on_with_every_trial_once(database: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, database], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None
    begun = [int(process.stdout.readline()) for _ in range(11)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert max(begun) >= 10
    store = store_of(database)
    left = store.results()
    done = {row.number for row in left if row.status.finished}
    stale = {row.number for row in left if row.state == "RUNNING"}
    assert done and stale and done | stale == set(range(len(left)))
    pool = ShufflingPool(slots=2)
    rows = search(CONDITIONAL, SearchSettings(trials=30, window=3), pool, store)
    release_study(store)
    assert [row.state for row in rows] == ["COMPLETE"] * 30
    again = {candidate.number for candidate in pool.submitted}
    assert stale <= again and not done & again
    assert decisions_of(rows) == decisions_of(search(CONDITIONAL, SearchSettings(trials=30, window=3)))


def test_another_spec_under_the_same_name_is_refused(database: str) -> None:
    release_study(store_of(database, seed=1, workers=2))
    with pytest.raises(InputError, match="seed 1 → 2"):
        store_of(database, seed=2, workers=2)
    with pytest.raises(InputError, match="trials"):
        store_of(database, seed=1, trials=5)
    release_study(store_of(database, seed=1, workers=4, trials=20))
    study = optuna.load_study(study_name="s", storage=database)
    assert study.user_attrs["nascale:spec"]["trials"] == 20


def test_a_study_of_another_tool_is_refused(database: str) -> None:
    url = database
    study = optuna.create_study(study_name="s", storage=url)
    study.tell(study.ask(), 1.0)
    with pytest.raises(InputError, match="nascale made"):
        store_of(database)


def test_two_searches_on_one_study_are_refused(database: str) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tests.search.test_trial_store import store_of\n"
        "store_of(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, database],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        with pytest.raises(RunError, match=str(process.pid)):
            store_of(database)
        process.kill()
        state = Path(f"/proc/{process.pid}/stat")
        while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        release_study(store_of(database))  # nobody has waited for it: its number is still taken
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    release_study(store_of(database))


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/nowhere/x.db", "nonsense://host/x", "postgresql+nodriver://host/x"]
)
def test_a_storage_that_cannot_be_written_is_named(url: str) -> None:
    with pytest.raises(InputError, match="storage"):
        open_study(url, "s", {}, Objective(), FLAT, {})


def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    sqlite3.connect(path).close()
    path.write_bytes(b"this is no database, however long one looks at it" * 30)
    with pytest.raises(InputError, match="storage"):
        store_of(f"sqlite:///{path}")


def test_a_trial_takes_two_transactions(database: str) -> None:
    from sqlalchemy import event

    store = store_of(database, space=FLAT)
    commits: list[float] = []
    event.listen(store._store._engine, "commit", lambda connection: commits.append(time.monotonic()))
    search(FLAT, SearchSettings(sampler="random", trials=12), None, store)
    release_study(store)
    # Reading the rows before and after may end transactions of its own.
    assert 24 <= len(commits) <= 28


def removing(action: Callable[[], object]) -> Callable[[Candidate], float]:
    """Answers that do ``action`` when trial 3 is measured."""

    def answer(candidate: Candidate) -> float:
        if candidate.number == 3:
            action()
        return 0.5

    return answer


def test_a_search_stops_when_its_study_was_deleted(database: str) -> None:
    store = store_of(database, space=FLAT)
    url = database
    pool = ShufflingPool(removing(lambda: optuna.delete_study(study_name="s", storage=url)))
    with pytest.raises(RunError, match="deleted from the storage while the search was running"):
        search(FLAT, SearchSettings(sampler="random", trials=12), pool, store)
    assert len(pool.submitted) == 4
    release_study(store)
    assert studies.summaries(url) == []


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_search_stops_when_its_file_was_removed(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store, path = store_of(f"sqlite:///{tmp_path / 'store.db'}", space=FLAT), tmp_path / "store.db"

    def remove() -> None:
        path.rename(tmp_path / "old.db")
        if how == "replaced":
            path.write_bytes((tmp_path / "old.db").read_bytes())

    pool = ShufflingPool(removing(remove))
    with pytest.raises(RunError, match=r"store\.db was removed or replaced while the search was running"):
        search(FLAT, SearchSettings(sampler="random", trials=12), pool, store)
    assert len(pool.submitted) == 4
    store.close()


def test_a_study_at_work_is_not_deleted_without_force(database: str) -> None:
    store, url = store_of(database), database
    with pytest.raises(RunError, match=f"process {os.getpid()}.*--force"):
        studies.delete("s", url)
    assert [row["study"] for row in studies.summaries(url)] == ["s"]
    assert studies.delete("s", url, force=True) == 0
    release_study(store)
    other = store_of(database)
    release_study(other)
    assert studies.delete("s", url) == 0
