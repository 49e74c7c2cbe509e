"""A search on a Ray cluster as it is: a token, a database server, no shared disk; nodes are cut off, killed and added."""

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

_CUT_SECONDS = 60.0
_SEARCH = [
    *("search", "--study", "c", "--space", "mbconv", "--data", "digits", "--sampler", "random"),
    *("--trials", "14", "--resolution", "8", "--epochs", "2", "--fraction", "0.3"),
    *("--repeats", "0", "--stock", "none"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
    """A head that looks after its nodes as Ray's do where nothing else is asked for."""
    made = TestCluster({})
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
def test_a_search_goes_on_when_nodes_are_cut_off_die_and_come(
    cluster: TestCluster, postgresql: tuple[Server, str], tmp_path: Path
) -> None:
    """One node is cut off for a minute; meanwhile the other one dies, and another comes. The results are those of one node."""
    _, url = postgresql
    cut = cluster.add_node() if cluster.why_none_apart() else cluster.add_node_apart()
    other = cluster.add_node()
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
        until(lambda: len(workers(url)) == 2, "both workers have measured")
        assert workers(url) <= {*cluster.pids(cut), *cluster.pids(other)}
        cluster.cut(cut)
        end = time.monotonic() + _CUT_SECONDS
        alone = len(finished(url))
        until(lambda: len(finished(url)) > alone, "it goes on with one node")
        cluster.kill(other)
        new = cluster.add_node()
        here = f"sqlite:///{tmp_path / 'here.db'}"
        done = python("-m", "nascale", *_SEARCH, "--storage", here, "--workers", "0", "--quiet", timeout=180)
        assert done.returncode == 0, done.stderr
        time.sleep(max(0.0, end - time.monotonic()))
        # No more suggestions are out than the window has, so it cannot have ended without the trial that was cut off.
        assert driver.poll() is None
        cluster.mend(cut)
        until(lambda: workers(url) & set(cluster.pids(new)), "the new node has measured")
        driver.wait(180)
    finally:
        driver.kill()
        driver.wait()
    assert driver.returncode == 0, log.read_text()
    there, alone_here = (
        [(t.number, t.key, t.status, t.values, t.curve) for t in load("c", place).trials]
        for place in (url, here)
    )
    assert there == alone_here
