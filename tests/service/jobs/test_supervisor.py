"""Real processes, supervised: what ends them, what is left of them, and what their jobs then say."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from results.driver import Driver
from service.jobs import keeper, processes, supervisor
from service.jobs.job import ATTEMPTS, CancelMode, EventType, Job, JobKind, JobState
from service.jobs.lease import Leases
from service.jobs.processes import mark_of
from service.jobs.resources import Resources
from service.jobs.store import JobStore
from service.jobs.supervisor import Supervisor

PROGRAM = (sys.executable, "-I", "-S", str(Path(__file__).with_name("program.py")))
Start = Callable[..., Supervisor]


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('supervisor') / 'store.db'}"


@pytest.fixture
def store(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStore]:
    monkeypatch.setattr(supervisor, "_TICK_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(keeper, "_GRACE_SECONDS", 0.2)
    store = JobStore(database_url, tmp_path / "jobs")
    yield store
    store.close()


@pytest.fixture
def start(store: JobStore) -> Iterator[Start]:
    started = []

    def begin(**settings: object) -> Supervisor:
        one = Supervisor(Resources(store, {}), program=PROGRAM, **settings)  # type: ignore[arg-type]
        started.append(one)
        one.start()
        return one

    yield begin
    for one in started:
        one.stop(seconds=0)
    while processes.reap():
        time.sleep(0.01)
    for job in store.list(limit=200)[0]:
        if not job.state.ended:
            store.request_cancel(job.id, CancelMode.KILL)


def submit(store: JobStore, study: str) -> str:
    return store.submit(JobKind.SEARCH, {"study": study}, study=study)[0].id


def wait(store: JobStore, job: str, *wanted: JobState, seconds: float = 30) -> Job:
    """The job in one of these states, or ended."""
    deadline = time.monotonic() + seconds
    while (found := store.get(job)).state not in wanted and not found.state.ended:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    assert found.state in wanted, found
    return found


def driver(store: JobStore, job: str, attempt: int = 1) -> int:
    """The number of the job's process, once it has begun its work."""
    begun = store.folder_of(job) / "work" / "begun"
    deadline = time.monotonic() + 30
    while not begun.exists() or len(begun.read_text().splitlines()) < attempt:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(begun.read_text().splitlines()[attempt - 1].split()[1])


def states(store: JobStore, job: str) -> list[str]:
    return [e.data["state"] for e in store.events(job).items if e.type is EventType.JOB]


def test_a_job_that_does_its_work_succeeds(store: JobStore, start: Start) -> None:
    start()
    job = submit(store, "quick")
    done = wait(store, job, JobState.SUCCEEDED)
    assert (done.exit_code, done.attempt, done.why) == (0, 1, None)
    assert states(store, job)[:2] == ["queued", "starting"]
    assert store.events(job).items[-1].type is EventType.END
    log = store.log_path(job).read_text()
    assert log == "--- nascale search, attempt 1\n"
    told = [e.data["text"] for e in store.events(job).items if e.type is EventType.LOG]
    assert "".join(told) == log
    assert store.log_path(job).parent.stat().st_mode & 0o077 == 0


def test_a_job_that_fails_says_why_and_is_not_begun_again(store: JobStore, start: Start) -> None:
    start()
    failed = wait(store, submit(store, "error"), JobState.FAILED)
    assert (failed.why, failed.exit_code, failed.attempt) == ("data: wanted images, got 'none'", 1, 1)


def test_a_spec_that_is_refused_by_now_fails(store: JobStore, start: Start) -> None:
    start()
    job = store.submit(JobKind.SEARCH, {"data": "gone"})[0].id
    failed = wait(store, job, JobState.FAILED)
    assert failed.why is not None
    assert failed.why.startswith("spec.data")


def test_a_job_that_is_stopped_ends_in_order_and_leaves_no_process(store: JobStore, start: Start) -> None:
    start()
    job = submit(store, "long")
    driver(store, job)
    wait(store, job, JobState.RUNNING)
    store.request_cancel(job, CancelMode.STOP)
    stopped = wait(store, job, JobState.CANCELLED)
    assert (stopped.exit_code, stopped.why) == (143, "stopped")
    assert store.log_path(job).read_text().endswith("stopping\n")
    assert not keeper.marked(mark_of(job, 1)) - _keepers(store, job)
    assert states(store, job) == ["queued", "starting", "running", "stopping", "cancelled"]


def _keepers(store: JobStore, job: str) -> set[int]:
    return {int(json.loads((store.folder_of(job) / keeper.PROCESS).read_text())["keeper"][0])}


@pytest.mark.parametrize("mode", CancelMode)
def test_a_deaf_job_is_killed(store: JobStore, start: Start, mode: CancelMode) -> None:
    start(stop_seconds=0.5)
    job = submit(store, "deaf")
    pid = driver(store, job)
    store.request_cancel(job, mode)
    killed = wait(store, job, JobState.CANCELLED)
    assert (killed.exit_code, killed.why) == (-9, "killed")
    assert keeper.began(pid) is None


def test_a_process_that_cannot_be_looked_at_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files", path)

    monkeypatch.setattr(keeper, "open", full, raising=False)
    with pytest.raises(OSError, match="Too many"):
        keeper.began(os.getpid())


def test_a_job_whose_process_dies_again_and_again_fails(store: JobStore, start: Start) -> None:
    start()
    job = submit(store, "crash")
    failed = wait(store, job, JobState.FAILED)
    assert failed.why == "interrupted 3 times in a row, the last time: its process was ended by SIGKILL"
    assert states(store, job).count("interrupted") == 3
    assert driver(store, job, 3)


@pytest.mark.parametrize("victim", ["driver", "keeper", "both"])
def test_a_job_whose_process_is_killed_begins_again_without_a_rest(
    store: JobStore, start: Start, victim: str
) -> None:
    start()
    job = submit(store, "long")
    pid = driver(store, job)
    wait(store, job, JobState.RUNNING)
    left = keeper.marked(mark_of(job, 1))
    assert len(left) == 3  # the keeper, the driver, and what it has started
    for one in {pid} if victim == "driver" else _keepers(store, job) if victim == "keeper" else left:
        os.kill(one, signal.SIGKILL)
    assert driver(store, job, 2) != pid
    assert not keeper.marked(mark_of(job, 1))
    assert wait(store, job, JobState.RUNNING).attempt == 2


def test_only_so_many_jobs_run_at_once(store: JobStore, start: Start) -> None:
    start(max_jobs=2, max_cores=8)
    jobs = [submit(store, f"until-{i}") for i in range(4)]
    driver(store, jobs[0])
    driver(store, jobs[1])
    time.sleep(0.3)
    assert [store.get(job).state for job in jobs[2:]] == [JobState.QUEUED] * 2
    for job in jobs:
        work = store.folder_of(job) / "work"
        work.mkdir(parents=True, exist_ok=True)
        (work / "go").touch()
    for job in jobs:
        wait(store, job, JobState.SUCCEEDED)


def test_a_service_that_stops_has_its_jobs_wait_for_the_next(store: JobStore, start: Start) -> None:
    first = start()
    job = submit(store, "long")
    driver(store, job)
    first.stop()
    waiting = store.get(job)
    assert (waiting.state, waiting.why) == (JobState.QUEUED, "the service was stopped")
    assert not processes.is_there(mark_of(job, 1)) or keeper.marked(mark_of(job, 1)) <= _keepers(store, job)
    start()
    assert driver(store, job, 2)
    assert wait(store, job, JobState.RUNNING).attempt == 2


def test_jobs_that_are_left_running_are_adopted(store: JobStore, start: Start) -> None:
    first = start()
    job = submit(store, "until")
    driver(store, job)
    wait(store, job, JobState.RUNNING)
    first.stop("leave")
    start()
    (store.folder_of(job) / "work" / "go").touch()
    done = wait(store, job, JobState.SUCCEEDED)
    assert (done.attempt, done.exit_code) == (1, 0)
    assert store.log_path(job).read_text().endswith("went\n")


def test_services_that_end_before_a_process_began_cost_a_job_none_of_its_attempts(
    store: JobStore, start: Start
) -> None:
    """They were killed between taking the job from the queue and beginning its process, more often than a job may be interrupted."""
    job = submit(store, "quick")
    gone = replace(Driver.this(), began="0")
    adopting = Supervisor(Resources(store, {}), program=PROGRAM)
    for number in range(ATTEMPTS + 1):
        claimed = Leases(store.database, replace(gone, token=f"gone {number}")).claim(8, 8)
        assert claimed is not None
        (lost,) = Leases(store.database).lost()
        adopting._adopt(lost)
        assert store.get(job).why == "its service was gone before it began"
        Leases(store.database).requeue()
        assert store.get(job).state is JobState.QUEUED
    start()
    assert wait(store, job, JobState.SUCCEEDED).attempt == ATTEMPTS + 2


def test_a_process_whose_job_another_has_taken_over_is_killed(store: JobStore, start: Start) -> None:
    """Its service did not answer for long, and one elsewhere has begun the job again."""
    first = start()
    job = submit(store, "long")
    pid = driver(store, job)
    wait(store, job, JobState.RUNNING)
    from sqlalchemy import text

    elsewhere = json.dumps({"host": "other", "machine": "another kernel", "pid": 1, "token": "theirs"})
    with store.database.writing() as connection:
        connection.execute(
            text("UPDATE nascale_job SET owner = :owner, token = 'theirs', attempt = 2 WHERE id = :id"),
            {"owner": elsewhere, "id": job},
        )
    deadline = time.monotonic() + 30
    while keeper.began(pid) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.stop()
    assert store.get(job).state is JobState.RUNNING  # theirs
    with store.database.writing() as connection:
        connection.execute(text("DELETE FROM nascale_job_event"))
        connection.execute(text("DELETE FROM nascale_job"))
