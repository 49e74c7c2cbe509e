"""Jobs that are nascale itself: what a search and a training tell while they run, and how a stop ends them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from results.studies import load
from results.trial_result import Status
from service.jobs import keeper, processes, supervisor, watcher
from service.jobs.job import EventType, JobKind, JobState
from service.jobs.plans import submit
from service.jobs.processes import mark_of
from service.jobs.resources import Resources
from service.jobs.store import JobStore
from service.jobs.supervisor import Supervisor
from tests.search.small_table import write_small_table
from tests.service.jobs.test_supervisor import wait


@pytest.fixture
def resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    monkeypatch.setattr(supervisor, "_TICK_SECONDS", 0.05)
    monkeypatch.setattr(watcher, "_WATCH_SECONDS", 0.1)
    store = JobStore(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "jobs")
    resources = Resources(store, {"small": f"table:{write_small_table(tmp_path)}"})
    running = Supervisor(resources, max_cores=8)
    running.start()
    yield resources
    running.stop(seconds=0)
    while processes.reap():
        time.sleep(0.01)
    store.close()


def test_a_search_tells_of_its_trials_and_its_front(resources: Resources) -> None:
    spec = {
        "evaluator": "table",
        "table": "small",
        "trials": 6,
        "sampler": "random",
        "workers": 0,
        "stock": "none",
    }
    job, _ = submit(resources, JobKind.SEARCH, spec)
    done = wait(resources.store, job.id, JobState.SUCCEEDED, seconds=90)
    assert job.study is not None
    study = load(job.study, resources.storage)
    events = resources.store.events(job.id).items
    told = {e.data["number"]: e.data for e in events if e.type is EventType.TRIAL}
    assert set(told) == {trial.number for trial in study.trials if trial.status.finished}
    for trial in study.trials:
        assert told[trial.number].get("accuracy") == trial.accuracy
        assert told[trial.number]["macs"] == trial.costs["macs"]
    log = "".join(e.data["text"] for e in events if e.type is EventType.LOG)
    place = str(resources.store.folder.parent)
    assert place in resources.store.log_path(job.id).read_text()
    assert f"study {job.study} in ***" in log and place not in log
    best = max(t.accuracy for t in study.trials if t.status is Status.OK and t.accuracy is not None)
    assert done.progress == {"done": 6, "wanted": 6, "unit": "trials", "best": best}
    front = [e.data for e in events if e.type is EventType.FRONT][-1]
    assert (front["y"], front["x"]) == ("accuracy", "macs")
    assert front["points"][0]["accuracy"] == best
    assert [e.type for e in events][-2:] == [EventType.JOB, EventType.END]


@pytest.mark.slow
def test_a_training_that_dies_goes_on(resources: Resources) -> None:
    spec = {
        "arch": "mobilenet_v2@width=0.1",
        "data": "digits",
        "threads": 1,
        "epochs": 3,
        "batch_size": 256,
        "resolution": 32,
    }
    store = resources.store
    job, _ = submit(resources, JobKind.TRAIN, spec)
    wait(store, job.id, JobState.RUNNING)
    deadline = time.monotonic() + 90
    while not any(e.type is EventType.EPOCH for e in store.events(job.id).items):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process = processes.Process.found(store.folder_of(job.id), mark_of(job.id, 1))
    assert process is not None
    os.kill(process.driver[0], signal.SIGKILL)
    done = wait(store, job.id, JobState.SUCCEEDED, seconds=120)
    assert done.attempt == 2
    assert not keeper.marked(mark_of(job.id, 1))
    epochs = [e.data["epoch"] for e in store.events(job.id).items if e.type is EventType.EPOCH]
    assert epochs == [1, 2, 3]
    assert (done.progress["done"], done.progress["wanted"]) == (3, 3)
