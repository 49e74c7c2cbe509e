"""One driver on a study: the database decides which, a dead one is replaced, a sleeping one stops when it wakes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import sqlalchemy

from bench.two_drivers import RAN, REFUSED, both, drive, twice
from results import driver as drivers
from results import studies
from results.driver import ATTRIBUTE, Driver
from search import lease
from search.lease import LeaseLost
from search.settings import SearchSettings
from search.study import release_study
from space.errors import RunError
from tests.processes import environment
from tests.search.fakes import CONDITIONAL, ShufflingPool, search
from tests.search.test_trial_store import store_of


def mark(url: str, **changes: Any) -> Driver:
    """The stored mark, after ``changes`` to it."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        where = {"key": ATTRIBUTE}
        read = sqlalchemy.text("SELECT value_json FROM study_system_attributes WHERE key = :key")
        found = json.loads(connection.execute(read, where).scalar_one()) | changes
        write = sqlalchemy.text("UPDATE study_system_attributes SET value_json = :new WHERE key = :key")
        connection.execute(write, where | {"new": json.dumps(found)})
    engine.dispose()
    driver = Driver.of_json(found)
    assert driver is not None
    return driver


def test_of_two_that_start_together_exactly_one_runs(database: str) -> None:
    assert both(database, "new") == [RAN, REFUSED]
    assert both(database, "new", 12) == [RAN, REFUSED]
    assert twice(database, "new") == []
    assert len(studies.load("new", database).trials) == 12
    assert drive(database, "new", 12) == RAN


def test_a_driver_elsewhere_is_named_with_its_last_heartbeat(database: str) -> None:
    store = store_of(database)
    now = mark(database).beat
    assert now is not None and abs(now - time.time()) < 5
    mark(database, host="elsewhere", pid=77, machine="another kernel", beat=now - 12)
    with pytest.raises(RunError) as refused:
        store_of(database)
    told = str(refused.value)
    assert "process 77 on host elsewhere, last heartbeat 1" in told and "\n" not in told
    assert (studies.driver("s", database) or "").startswith("process 77 on host elsewhere")
    # The same host name in another namespace of process numbers, as containers have: nothing can be seen from here.
    mark(database, host=Driver.this().host, pid=1, machine="same host, another namespace")
    with pytest.raises(RunError, match="process 1 on host"):
        store_of(database)
    store.close()


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_stops_at_its_next_write(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A lease counts from when the server was started: that of the tests has not been up for a minute.
    monkeypatch.setattr(drivers, "LEASE_SECONDS", 0.5)
    store = store_of(database)
    pool, successor = ShufflingPool(slots=2), []

    def replace_driver(candidate: Any) -> float:
        if candidate.number == 4:
            was = mark(database, host="elsewhere", pid=77, machine="another kernel")
            mark(database, beat=(was.beat or 0.0) - 1)
            successor.append(store_of(database))
        return 0.5

    pool._answer = replace_driver
    with pytest.raises(LeaseLost, match=r"taken over by process \d+, last heartbeat"):
        search(CONDITIONAL, SearchSettings(trials=12, window=2), pool, store)
    store.close()
    rows = search(CONDITIONAL, SearchSettings(trials=12, window=2), ShufflingPool(slots=2), successor[0])
    release_study(successor[0])
    assert [row.state for row in rows] == ["COMPLETE"] * 12
    assert studies.driver("s", database) is None


def test_a_stopped_process_finds_itself_replaced_when_it_goes_on(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import sys, time\n"
        "from search.settings import SearchSettings\n"
        "from tests.search.fakes import CONDITIONAL, ShufflingPool, accuracy_of, search\n"
        "from tests.search.test_trial_store import store_of\n"
        "def slow(candidate):\n"
        "    print(candidate.number, flush=True); time.sleep(0.05); return accuracy_of(candidate)\n"
        "search(CONDITIONAL, SearchSettings(trials=200), ShufflingPool(slow), store_of(sys.argv[1], trials=200))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, database],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    # Not within a transaction, which would hold the database locked for us too.
    process.send_signal(signal.SIGSTOP)
    beat = mark(database).beat or 0.0
    with pytest.raises(RunError, match=str(process.pid)):
        store_of(database, trials=200)
    monkeypatch.setattr(drivers, "LEASE_SECONDS", 0.5)
    mark(database, beat=beat - 1)
    successor = store_of(database, trials=200)
    before = len(successor.results())
    process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1 and "taken over by process" in told
    assert len(successor.results()) == before
    release_study(successor)


def test_a_driver_at_work_renews_its_lease(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.05)
    store = store_of(database)
    first = mark(database).beat or 0.0
    mark(database, beat=first - 1000)
    deadline = time.monotonic() + 10
    while (mark(database).beat or 0.0) < first and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (mark(database).beat or 0.0) >= first
    release_study(store)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease-")]
