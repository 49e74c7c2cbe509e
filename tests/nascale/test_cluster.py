"""A search on a Ray cluster of several nodes, with a token, a database server, and nodes that die and come."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from results.studies import load
from tests.clusters import TestCluster, without_token
from tests.databases import Server
from tests.processes import environment, python

_SEARCH = [
    *("search", "--space", "mbconv", "--data", "digits", "--sampler", "random", "--trials", "24"),
    *(
        "--resolution",
        "8",
        "--epochs",
        "3",
        "--fraction",
        "0.5",
        "--repeats",
        "0",
        "--stock",
        "none",
        "--study",
        "c",
    ),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
    made = TestCluster()
    try:
        yield made
    finally:
        made.close()


def until(true: Callable[[], object], what: str, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.2)


def finished(url: str) -> dict[int, str]:
    """The worker of each trial that is stored as finished."""
    try:
        study = load("c", url)
    except ValueError:
        return {}
    return {trial.number: trial.worker for trial in study.trials if trial.status.finished}


def workers(url: str) -> set[int]:
    """The processes that have finished a trial."""
    return {int(worker.rpartition(":")[2]) for worker in finished(url).values() if worker}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_search_goes_on_when_a_node_dies_and_takes_one_that_comes(
    cluster: TestCluster, postgresql: tuple[Server, str], tmp_path: Path
) -> None:
    """Its results are those of a search on one node."""
    _, url = postgresql
    first, second = cluster.add_node(), cluster.add_node()
    log = tmp_path / "log"
    with log.open("w") as stream:
        driver = subprocess.Popen(
            [
                *(sys.executable, "-m", "nascale", *_SEARCH, "--storage", url),
                *("--ray-address", cluster.address, "--workers", "2"),
            ],
            cwd=tmp_path,
            env={**without_token(environment()), **cluster.variables},
            stdout=stream,
            stderr=stream,
        )
    try:
        until(lambda: len(set(finished(url).values())) == 2, "both workers have measured")
        assert workers(url) <= {*cluster.pids(first), *cluster.pids(second)}
        cluster.kill(first)
        alone = len(finished(url))
        until(lambda: len(finished(url)) > alone + 1, "it goes on with one node")
        third = cluster.add_node()
        until(lambda: workers(url) & set(cluster.pids(third)), "the new node has measured")
        driver.wait(180)
    finally:
        driver.kill()
        driver.wait()
    assert driver.returncode == 0, log.read_text()
    here = f"sqlite:///{tmp_path / 'here.db'}"
    done = python("-m", "nascale", *_SEARCH, "--storage", here, "--workers", "0", "--quiet", timeout=180)
    assert done.returncode == 0, done.stderr
    assert [
        (trial.number, trial.key, trial.status, trial.values, trial.curve) for trial in load("c", url).trials
    ] == [
        (trial.number, trial.key, trial.status, trial.values, trial.curve) for trial in load("c", here).trials
    ]
