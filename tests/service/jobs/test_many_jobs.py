"""What takes minutes: real searches under services and processes that are killed at random, and many jobs on two services."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from results.studies import load
from results.trial_result import TrialResult
from service.jobs import keeper
from service.jobs.job import CancelMode, JobKind, JobState
from service.jobs.plans import submit
from service.jobs.processes import Process, mark_of
from service.jobs.resources import Resources
from service.jobs.store import JobStore
from tests.databases import Server
from tests.service.jobs.test_killed_service import service, services
from tests.service.jobs.test_supervisor import submit as submit_short
from tests.service.jobs.test_supervisor import wait

__all__ = ["services"]  # a fixture
KILLS, TRIALS = 10, 8


def search(store: JobStore, seed: int, study: str) -> str:
    """A search that trains (in a Ray worker, or in its own process), of which the same seed finds the same."""
    spec = {
        "data": "digits",
        "space": "mbconv",
        "max_macs": "1M",
        "sampler": "random",
        "trials": TRIALS,
        "epochs": 3,
        "fraction": 0.5,
        "batch_size": 64,
        "workers": 1,
        "stock": "none",
        "repeats": 0,
        "seed": seed,
        "study": study,
    }
    return submit(Resources(store, {}), JobKind.SEARCH, spec)[0].id


def _done(store: JobStore, job: str) -> int:
    return int(store.get(job).progress.get("done", 0))


def measured(trial: TrialResult) -> tuple[object, ...]:
    return trial.number, trial.key, trial.status, trial.accuracy, trial.epochs


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("draw", range(3))
def test_jobs_end_as_they_would_have_whatever_is_killed_under_them(
    tmp_path: Path, services: list[subprocess.Popen[str]], draw: int
) -> None:
    generator = random.Random(draw)
    store = JobStore(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "jobs")
    running = service(store, services, "nascale")
    whole = [search(store, seed, f"whole-{seed}") for seed in range(3)]
    for job in whole:
        assert wait(store, job, JobState.SUCCEEDED, seconds=600).attempt == 1
    jobs = [search(store, seed, f"killed-{seed}") for seed in range(3)]
    kills: Counter[str] = Counter()
    killed: Counter[tuple[str, int]] = Counter()
    while sum(kills.values()) < KILLS and any(not store.get(job).state.ended for job in jobs):
        time.sleep(generator.uniform(0.5, 6.0))
        victim = generator.choice(["service", "driver", "both"])
        if victim != "service":
            # A job that is killed a third time before it got any further fails, as it is to.
            at_work = [
                job
                for job in jobs
                if store.get(job).state is JobState.RUNNING and killed[job, _done(store, job)] < 2
            ]
            if not at_work:
                continue
            job = generator.choice(at_work)
            killed[job, _done(store, job)] += 1
            process = Process.found(store.folder_of(job), mark_of(job, store.get(job).attempt))
            if process is None:
                continue
            os.kill(process.driver[0], signal.SIGKILL)
        if victim != "driver":
            running.kill()
            running.wait()
            running = service(store, services, "nascale")
        kills[victim] += 1
    print(dict(kills), file=sys.stderr)
    for seed, job in enumerate(jobs):
        done = wait(store, job, JobState.SUCCEEDED, seconds=600)
        assert done.progress["done"] == TRIALS
        as_it_would, found = (load(f"{name}-{seed}", store.database.url) for name in ("whole", "killed"))
        assert [measured(t) for t in found.trials] == [measured(t) for t in as_it_would.trials]
        told = [e.data["number"] for e in store.events(job, limit=5000).items if e.type == "trial"]
        assert sorted(told) == list(range(TRIALS))
    left = [mark for mark in keeper.marks().values() if mark.partition(".")[0] in jobs]
    assert left == []
    store.close()


@pytest.mark.slow
def test_forty_jobs_on_two_services_run_once_each_and_all_end_when_one_is_killed(
    tmp_path: Path, postgresql: tuple[Server, str], services: list[subprocess.Popen[str]]
) -> None:
    store = JobStore(postgresql[1], tmp_path / "jobs")
    first, _ = service(store, services), service(store, services)
    jobs = [submit_short(store, f"quick-{i}") for i in range(40)]
    for job in jobs:
        assert wait(store, job, JobState.SUCCEEDED, seconds=120).attempt == 1
        assert len((store.folder_of(job) / "work" / "begun").read_text().splitlines()) == 1
    again = [submit_short(store, f"quick-{i}") for i in range(40)]
    while not any(store.get(job).state is JobState.SUCCEEDED for job in again):
        time.sleep(0.01)
    first.kill()
    for job in again:
        wait(store, job, JobState.SUCCEEDED, seconds=120)
        assert len((store.folder_of(job) / "work" / "begun").read_text().splitlines()) == 1
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", CancelMode)
@pytest.mark.parametrize("kind", ["search", "train"])
def test_the_slot_of_a_job_that_trains_is_free_soon_after_its_end_was_asked_for(
    tmp_path: Path, services: list[subprocess.Popen[str]], kind: str, mode: CancelMode
) -> None:
    """How soon is printed; five seconds are wanted on a machine with nothing else to do."""
    store = JobStore(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "jobs")
    service(store, services, "nascale")
    spec = {
        "search": {"data": "digits", "max_macs": "20M", "trials": 50, "epochs": 500, "workers": 2},
        "train": {"arch": "mobilenet_v2", "data": "digits", "resolution": 64, "epochs": 500, "threads": 1},
    }[kind]
    job = submit(Resources(store, {}), JobKind(kind), spec)[0].id
    wait(store, job, JobState.RUNNING)
    deadline = time.monotonic() + 120
    while not _trains(store, job, kind):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(2.0)
    asked = time.monotonic()
    store.request_cancel(job, mode)
    ended = wait(store, job, JobState.CANCELLED, seconds=70)
    print(f"{kind} {mode}: {time.monotonic() - asked:.1f} s", file=sys.stderr)
    assert ended.why == {"stop": "stopped", "kill": "killed"}[mode]
    left = keeper.marked(mark_of(job, 1))
    process = Process.found(store.folder_of(job), mark_of(job, 1))
    assert process is not None
    assert left <= {process.keeper[0]}
    store.close()


def _trains(store: JobStore, job: str, kind: str) -> bool:
    """Whether a training is at work."""
    if kind == "train":
        return "run.json" in {path.name for path in (store.folder_of(job) / "out").glob("*")}
    found = store.get(job)
    assert found.study is not None
    try:
        return any(not t.status.finished for t in load(found.study, store.database.url).trials)
    except LookupError:
        return False
