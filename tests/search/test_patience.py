"""Databases that go away for a while, for real: restarted, cut off, stopped, idle for too long, locked."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from evaluators.evaluator import Candidate
from results import rescue, studies
from results.trial_result import TrialResult
from search import patience, silence, storage, study
from search.numbering import ensure_unique
from search.objective import Objective
from search.patience import PatientTrialStore
from search.recovery import restore
from search.settings import SearchSettings
from search.study import release_study
from space.errors import RunError
from tests.databases import Server
from tests.search.fakes import CONDITIONAL, ShufflingPool, accuracy_of, decisions_of, search
from tests.search.test_trial_store import store_of

SETTINGS = SearchSettings(trials=12, window=2)


class Faulty(ShufflingPool):
    """Does something when a trial of a given number is submitted; goes on answering meanwhile."""

    def __init__(self, faults: dict[int, Callable[[], object]]) -> None:
        def answer(candidate: Candidate) -> list[float]:
            faults.get(candidate.number, lambda: None)()
            return [accuracy_of(candidate) / 2, accuracy_of(candidate)]

        super().__init__(answer, slots=2)


def disturbed(store: PatientTrialStore, faults: dict[int, Callable[[], object]]) -> Sequence[TrialResult]:
    """Runs a search with faults; it has to end as it would have without them."""
    rows = search(CONDITIONAL, SETTINGS, Faulty(faults), store)
    assert [row.state for row in rows] == ["COMPLETE"] * 12
    assert decisions_of(rows) == decisions_of(search(CONDITIONAL, SETTINGS, Faulty({})))
    assert store.results() == rows
    return rows


def test_a_server_that_restarts(postgresql: tuple[Server, str]) -> None:
    server, url = postgresql
    said: list[str] = []
    store = store_of(url, said=said)
    try:
        rows = disturbed(store, {3: server.stop, 7: server.start})
    finally:
        if server.is_down:
            server.start()
    release_study(store)
    assert len(said) == 2 and "does not answer" in said[0] and "answers again" in said[1]
    assert [row.values for row in studies.load("s", url).trials] == [row.values for row in rows]


def test_a_server_that_restarts_while_a_search_begins(postgresql: tuple[Server, str]) -> None:
    server, url = postgresql
    release_study(store_of(url))
    with ThreadPoolExecutor() as others:
        for begin in (lambda: release_study(store_of(url)), lambda: studies.load("s", url)):
            server.stop()
            begun = others.submit(begin)
            time.sleep(1.0)
            server.start()  # it ends with the thread that starts it
            begun.result()


def test_connections_that_are_ended_while_a_search_begins(
    postgresql: tuple[Server, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = postgresql
    cut = []

    def unique(engine: Any, study_id: int, name: str) -> str:
        if not cut:
            with engine.begin() as connection:
                connection.execute(sqlalchemy.text("SELECT 1"))
                cut.append(server.cut(url))
                connection.execute(sqlalchemy.text("SELECT 1"))
        return ensure_unique(engine, study_id, name)

    monkeypatch.setattr(study, "ensure_unique", unique)
    store = store_of(url)
    disturbed(store, {})
    release_study(store)
    assert cut


def test_connections_that_are_ended(postgresql: tuple[Server, str]) -> None:
    server, url = postgresql
    said: list[str] = []
    store = store_of(url, said=said)
    disturbed(store, {number: lambda: server.cut(url) for number in (2, 5, 6, 11)})
    release_study(store)
    assert said == []


def test_a_connection_that_ends_while_trials_are_read(postgresql: tuple[Server, str]) -> None:
    """Optuna takes the error for one of too many variables, and asks again in a session that has no connection."""
    server, url = postgresql
    store = store_of(url)
    engine = store._store._storage.engine
    cut: list[str] = []
    armed: list[bool] = []

    def before(_: Any, __: Any, statement: str, *___: Any) -> None:
        if armed and not cut and "FROM trial_intermediate_values" in statement:
            cut.append(statement)
            server.cut(url)

    sqlalchemy.event.listen(engine, "before_cursor_execute", before)
    disturbed(store, {4: lambda: armed.append(True)})
    assert cut
    release_study(store)


def test_trainings_that_take_longer_than_a_connection_may_be_idle(postgresql: tuple[Server, str]) -> None:
    server, url = postgresql
    said: list[str] = []
    store = store_of(url, said=said)
    # For connections from now on. A store that is being opened may take longer than this on a busy machine.
    server.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET idle_session_timeout = '300ms'")
    server.cut(url)
    disturbed(store, {number: lambda: time.sleep(0.6) for number in (1, 4)})
    release_study(store)
    assert said == []


def test_a_server_that_holds_the_connection_and_does_nothing(
    postgresql: tuple[Server, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = postgresql
    stopped: list[int] = []

    def stop() -> None:
        stopped.extend(server.backends(url))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)

    store = store_of(url)
    try:
        # Not before: a study takes longer to be opened on a busy machine, and nobody is patient with it yet.
        with monkeypatch.context() as patch:
            patch.setattr(silence, "SILENT_SECONDS", 0.4)
            disturbed(store, {4: stop})
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    release_study(store)
    assert stopped


def test_a_dropped_route_is_noticed_by_both_ends(postgresql: tuple[Server, str]) -> None:
    _, url = postgresql
    opened = storage.storage_of(url)
    with opened.engine.connect() as connection:
        end = socket.socket(fileno=os.dup(connection.connection.dbapi_connection.fileno()))
        with end:
            assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 25_000
        settings = dict(connection.execute(sqlalchemy.text("SELECT name, setting FROM pg_settings")).all())
    assert (settings["tcp_keepalives_idle"], settings["statement_timeout"]) == ("10", "30000")
    opened.engine.dispose()


def test_patience_has_an_end_and_nothing_is_lost(
    postgresql: tuple[Server, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = postgresql
    monkeypatch.chdir(tmp_path)
    store = store_of(url, patience=0.5)
    try:
        with pytest.raises(RunError) as ended:
            search(CONDITIONAL, SETTINGS, Faulty({5: server.stop, 9: lambda: time.sleep(0.8)}), store)
        told = str(ended.value)
        assert "wanted a database that answers within 0.5 s (--patience), got postgresql" in told
        assert "s-rescued.jsonl" in told and "\n" not in told
        release_study(store)
    finally:
        server.start()
    kept = rescue.read("s-rescued.jsonl")
    done = sum(trial.status.finished for trial in kept.trials)
    assert done > sum(trial.status.finished for trial in studies.load("s", url).trials) > 0
    restore(kept, url, Objective())
    again = store_of(url)
    assert sum(trial.status.finished for trial in again.results()) == done
    disturbed(again, {})
    release_study(again)


def test_ctrl_c_while_the_database_is_away_loses_nothing(
    postgresql: tuple[Server, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = postgresql
    monkeypatch.chdir(tmp_path)
    store = store_of(url)

    def interrupt() -> None:
        raise KeyboardInterrupt

    try:
        search(CONDITIONAL, SETTINGS, Faulty({4: server.stop, 8: interrupt}), store)
        with pytest.raises(
            RunError, match=r"did not answer when .* stopped; what was found is in s-rescued\.jsonl"
        ):
            release_study(store)
    finally:
        server.start()
    assert sum(trial.status.finished for trial in rescue.read("s-rescued.jsonl").trials) >= 6


def test_a_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_BUSY_SECONDS", 0.05)
    path, said = tmp_path / "store.db", list[str]()
    store = store_of(f"sqlite:///{path}", said=said)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def lock() -> None:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(1.0, other.execute, ["COMMIT"]).start()

    disturbed(store, {4: lock})
    other.close()
    release_study(store)
    assert "does not answer (database is locked)" in said[0] and "answers again" in said[1]


def test_a_file_that_is_locked_while_a_search_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_BUSY_SECONDS", 0.05)
    path, locks = tmp_path / "store.db", list[threading.Timer]()
    store_file = f"sqlite:///{path}"
    storage.storage_of(store_file).engine.dispose()
    real = study.ensure_unique
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def lock() -> None:
        other.execute("BEGIN IMMEDIATE")
        locks.append(threading.Timer(0.5, other.execute, ["COMMIT"]))
        locks[-1].start()

    def unique(*arguments: Any) -> Any:
        if len(locks) == 1:
            lock()
        return real(*arguments)

    monkeypatch.setattr(study, "ensure_unique", unique)
    lock()
    release_study(store_of(store_file))
    assert len(locks) == 2 and not any(lock.is_alive() for lock in locks)
    other.close()


def test_what_may_have_been_done_is_done_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is lost in a commit leaves open whether it took place: here it did, every time."""
    store = store_of(database)
    inner: Any = store._store
    for name in ("start", "restart", "finish", "release", "measure"):
        once = getattr(inner, name)

        def twice(*arguments: Any, once: Any = once) -> None:
            once(*arguments)
            if not arguments[-1]:
                raise sqlalchemy.exc.OperationalError("", {}, Exception("lost"), connection_invalidated=True)

        monkeypatch.setattr(inner, name, twice)
    monkeypatch.setattr(patience, "_MEASURE_SECONDS", 0.0)
    disturbed(store, {})
    release_study(store)


def test_measurements_are_stored_while_a_trial_runs(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_MEASURE_SECONDS", 0.0)
    seen: list[dict[int, Any]] = []

    def look() -> None:
        seen.append(
            {trial.number: (trial.state, trial.curve) for trial in studies.load("s", database).trials}
        )

    store = store_of(database)
    pool = ShufflingPool(lambda candidate: [0.1, 0.2, 0.3, 0.4])
    poll = pool.poll

    def polled(timeout: float | None = None) -> Any:
        look()
        return poll(timeout)

    monkeypatch.setattr(pool, "poll", polled)
    rows = search(CONDITIONAL, SearchSettings(trials=2), pool, store)
    release_study(store)
    curves = [curve for moment in seen for state, curve in moment.values() if state == "RUNNING"]
    assert ((1, 0.1), (2, 0.2)) in curves and ((1, 0.1), (2, 0.2), (3, 0.3)) in curves
    assert all(row.curve == ((1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)) for row in rows)


@pytest.mark.parametrize(("seconds", "moments"), [(1e9, range(2)), (0.0, range(100, 300))])
def test_measurements_are_written_so_many_seconds_apart(
    seconds: float, moments: range, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patience._MEASURE_SECONDS == 1
    monkeypatch.setattr(patience, "_MEASURE_SECONDS", seconds)
    store = store_of(database)
    writes: list[object] = []
    inner: Any = store._store
    measure = inner.measure
    monkeypatch.setattr(inner, "measure", lambda *a: (writes.append(a), measure(*a)))
    search(CONDITIONAL, SETTINGS, ShufflingPool(lambda c: [0.1] * 20, slots=2), store)
    release_study(store)
    assert len(writes) in moments
