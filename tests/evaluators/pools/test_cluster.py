"""The pool on a cluster: nodes elsewhere have nothing of this checkout, ask for a token, die and come."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clusters import HEAD, TestCluster, without_token
from tests.processes import environment

_DRIVER = """
import json, os, sys
from pathlib import Path

import numpy as np

import evaluators
from evaluators.evaluator import Candidate, Evaluator, Measurement
from evaluators.images.image_set import ImageSet
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool

images = Path("images.npy")
indices = np.arange(4)
mapped = ImageSet("m", np.load(images, mmap_mode="r"), indices, indices, indices, indices, ("a",), "checksum")
images.unlink()  # no node has the file


class Sums(Evaluator):
    def __init__(self):
        self.images = mapped

    def describe(self):
        return {}

    def evaluate(self, candidate, stop):
        import time

        time.sleep(0.3)
        found = {"pid": os.getpid(), "folder": os.getcwd(), "package": evaluators.__file__}
        yield Measurement(1, float(self.images.images.sum()), None, 0.3, found)


def tell(**fields):
    print(json.dumps(fields), flush=True)


settings = PoolSettings(workers=2, ray_address=sys.argv[1])
with RayPool(Sums(), settings, lambda text: tell(said=text)) as pool:
    begun = 0
    while pool.free < pool.slots or not Path("stop").exists():
        while pool.free and not Path("stop").exists():
            pool.submit(Candidate(begun, {}, f"key{begun}", None, 0))
            begun += 1
        for event in pool.poll(1.0):
            if event.measurement is not None:
                tell(number=event.number, total=event.measurement.accuracy, **event.measurement.extra)
            elif event.done:
                tell(done=event.number)
            else:
                tell(restarted=event.restarted, failure=str(event.failure))
    tell(begun=begun)
"""


@pytest.fixture
def cluster() -> Iterator[TestCluster]:
    made = TestCluster()
    try:
        yield made
    finally:
        made.close()


class Driver:
    """A process with a pool on the cluster, whose two workers are never idle, and the lines that it has told."""

    def __init__(self, cluster: TestCluster, folder: Path) -> None:
        self._folder = folder
        np.save(folder / "images.npy", np.ones((4, 8, 8, 1), np.uint8))
        (folder / "driver.py").write_text(textwrap.dedent(_DRIVER))
        self._errors = (folder / "errors").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "driver.py", cluster.address],
            cwd=folder,
            env={**without_token(environment()), **cluster.variables},
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self.places: dict[str, dict[str, Any]] = {}

    def next(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next line that is ``wanted``."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            self.lines.append(json.loads(text))
            if wanted(self.lines[-1]):
                return self.lines[-1]
        raise AssertionError((self._folder / "errors").read_text() or self.lines[-5:])

    def finish(self) -> int:
        """Has it end; how many trials it has begun."""
        (self._folder / "stop").touch()
        begun = int(self.next(lambda line: "begun" in line)["begun"])
        assert self._process.wait(60) == 0
        return begun

    def ended(self) -> list[int]:
        """The trials that have ended, each as often as it has; none may have failed."""
        assert not any(line.get("failure", "None") != "None" for line in self.lines)
        return sorted(line["done"] for line in self.lines if "done" in line)

    def fail(self) -> str:
        """Waits until it ends with an error; what it says then."""
        self._process.communicate(timeout=120)
        assert self._process.returncode == 1
        return (self._folder / "errors").read_text()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


@pytest.fixture
def driver(cluster: TestCluster, tmp_path: Path) -> Iterator[Driver]:
    """A driver whose workers have places on two nodes, node-0 and node-1, and have measured there."""
    nodes = [cluster.add_node(), cluster.add_node()]
    made = Driver(cluster, tmp_path)
    try:
        while set(made.places) != set(nodes):
            line = made.next(lambda line: "pid" in line)
            made.places |= {node: line for node in nodes if line["pid"] in cluster.pids(node)}
        yield made
    finally:
        made.close()


def test_trials_run_on_the_nodes_that_there_are(cluster: TestCluster, driver: Driver) -> None:
    # Both have the packages and the images, and nothing else of this machine.
    for line in driver.places.values():
        assert line["total"] == 4 * 8 * 8
        for place in (line["folder"], line["package"]):
            assert place.startswith(str(cluster.folder)), place
    cluster.kill("node-0")
    driver.next(lambda line: "restarted" in line)
    for _ in range(4):
        driver.next(lambda line: line.get("pid") in cluster.pids("node-1"))
    new = cluster.add_node()
    driver.next(lambda line: line.get("pid") in cluster.pids(new))
    begun = driver.finish()
    assert driver.ended() == list(range(begun))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_node_that_is_silent_for_a_minute_is_done_without(cluster: TestCluster, driver: Driver) -> None:
    cluster.signal("node-0", signal.SIGSTOP)
    driver.next(lambda line: "restarted" in line)
    driver.next(lambda line: "1 of 2 workers wait for a place" in line.get("said", ""))
    end = time.monotonic() + 60
    driver.next(lambda line: "done" in line and time.monotonic() > end)
    cluster.signal("node-0", signal.SIGCONT)
    new = cluster.add_node()
    driver.next(lambda line: line.get("pid") in cluster.pids(new))
    driver.next(lambda line: "all 2 workers have a place again" in line.get("said", ""))
    begun = driver.finish()
    assert driver.ended() == list(range(begun))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_search_whose_cluster_is_gone_ends_with_the_reason(cluster: TestCluster, driver: Driver) -> None:
    cluster.kill(HEAD)
    errors = driver.fail()
    assert "RunError: ray_address: wanted a running Ray cluster, got " in errors.splitlines()[-1]
    assert "(no answer from its head and node on this machine for 30 s)" in errors.splitlines()[-1]
    assert "[C" not in errors and "*** SIG" not in errors
