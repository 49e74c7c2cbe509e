"""Services that are killed with kill -9, and what the next one makes of their jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.jobs import keeper, processes, supervisor
from service.jobs.job import CancelMode, JobState
from service.jobs.processes import mark_of
from service.jobs.resources import Resources
from service.jobs.store import JobStore
from service.jobs.supervisor import Supervisor
from tests.processes import environment
from tests.service.jobs.test_supervisor import PROGRAM, driver, submit, wait

SERVICE = Path(__file__).with_name("service_process.py")


@pytest.fixture
def services() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for one in started:
        one.kill()
        one.wait()
        assert one.stdout is not None
        one.stdout.close()


def service(store: JobStore, services: list[subprocess.Popen[str]], *more: str) -> subprocess.Popen[str]:
    """A service in a process of its own, at work."""
    process = subprocess.Popen(
        [sys.executable, str(SERVICE), store.database.url, str(store.folder), *more],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    services.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def test_what_still_runs_is_adopted_and_what_died_begins_again(
    store: JobStore, services: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = service(store, services)
    alive, dead, ended = submit(store, "until-a"), submit(store, "long-b"), submit(store, "until-c")
    pids = {job: driver(store, job) for job in (alive, dead, ended)}
    for job in pids:
        wait(store, job, JobState.RUNNING)
    first.kill()
    first.wait()
    for pid in keeper.marked(mark_of(dead, 1)):
        os.kill(pid, signal.SIGKILL)
    (store.folder_of(ended) / "work" / "go").touch()  # it ends while no service is there
    while keeper.marked(mark_of(ended, 1)):
        time.sleep(0.02)

    monkeypatch.setattr(supervisor, "_TICK_SECONDS", 0.05)
    second = Supervisor(Resources(store, {}), program=PROGRAM, max_cores=8)
    second.start()
    try:
        done = wait(store, ended, JobState.SUCCEEDED)
        assert (done.attempt, done.exit_code) == (1, 0)
        assert driver(store, dead, 2) != pids[dead]
        assert keeper.began(pids[alive]) is not None
        (store.folder_of(alive) / "work" / "go").touch()
        assert wait(store, alive, JobState.SUCCEEDED).attempt == 1
        store.request_cancel(dead, CancelMode.KILL)
        assert wait(store, dead, JobState.CANCELLED).attempt == 2
    finally:
        second.stop(seconds=0)
    while processes.reap():
        time.sleep(0.01)
    assert not any(mark.partition(".")[0] in pids for mark in keeper.marks().values())


def test_two_services_on_one_database_run_each_job_once(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_TICK_SECONDS", 0.02)
    other = JobStore(store.database.url, store.folder)
    both = [Supervisor(Resources(one, {}), program=PROGRAM, max_cores=8) for one in (store, other)]
    jobs = [submit(store, f"quick-{i}") for i in range(8)]
    for one in both:
        one.start()
    try:
        for job in jobs:
            assert wait(store, job, JobState.SUCCEEDED).attempt == 1
            assert len((store.folder_of(job) / "work" / "begun").read_text().splitlines()) == 1
    finally:
        for one in both:
            one.stop(seconds=0)
        other.close()
    while processes.reap():
        time.sleep(0.01)
