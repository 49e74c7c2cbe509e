"""The pool on a cluster: nodes elsewhere have nothing of this checkout, ask for a token, die and come."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clusters import HEAD, QUICK, TestCluster, without_token
from tests.processes import environment

_DRIVER = """
import json, os, sys
from pathlib import Path

import numpy as np

import evaluators
from evaluators.evaluator import Candidate, Evaluator, Measurement
from evaluators.images.image_set import ImageSet
from evaluators.pools import ray, ray_cluster
from evaluators.pools.protocol import PoolSettings

# As the cluster's own times, these are shorter than a real one's.
ray.SLOW_SECONDS = 3.0
ray_cluster._LOOK_SECONDS, ray_cluster._SILENT_SECONDS = 1.0, 4.0

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
with ray.RayPool(Sums(), settings, lambda text: tell(said=text)) as pool:
    begun = 0
    while True:
        while pool.free:
            pool.submit(Candidate(begun, {}, f"key{begun}", None, 0))
            begun += 1
        for event in pool.poll(1.0):
            if event.measurement is not None:
                tell(number=event.number, total=event.measurement.accuracy, **event.measurement.extra)
            elif event.done:
                tell(done=event.number)
            else:
                tell(restarted=event.restarted, failure=str(event.failure))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
    """A head and two nodes, one of them apart where the system lets us."""
    made = TestCluster(QUICK)
    try:
        if made.why_none_apart():
            made.add_node()
        else:
            made.add_node_apart()
        made.add_node()
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
        self._cluster = cluster
        self._lines: list[dict[str, Any]] = []

    def next(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next line that is ``wanted``."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            self._lines.append(json.loads(text))
            if wanted(self._lines[-1]):
                return self._lines[-1]
        raise AssertionError((self._folder / "errors").read_text() or self._lines[-5:])

    def says(self, text: str) -> None:
        """Waits until it has said so."""
        self.next(lambda line: text in line.get("said", ""))

    def measures_on(self, node: str, trials: int = 1) -> dict[str, Any]:
        """Waits until so many trials were measured on the node; the last one."""
        for _ in range(trials):
            line = self.next(lambda line: line.get("pid") in self._cluster.pids(node))
        return line

    def places(self) -> dict[str, dict[str, Any]]:
        """The two nodes on which its workers measure, and a measurement from each."""
        found: dict[str, dict[str, Any]] = {}
        while len(found) < 2:
            line = self.next(lambda line: "pid" in line)
            found |= {node: line for node in self._cluster.nodes if line["pid"] in self._cluster.pids(node)}
        return found

    def check_trials(self) -> None:
        """Each has ended once, none has failed, and none is missing: with two at a time, one may not have ended yet."""
        assert not any(line.get("failure", "None") != "None" for line in self._lines)
        ended = [line["done"] for line in self._lines if "done" in line]
        assert len(set(ended)) == len(ended) >= max(ended)

    def fail(self) -> str:
        """Waits until it ends with an error; what it says then."""
        assert self._process.stdout is not None
        self._lines += map(json.loads, self._process.stdout)
        assert self._process.wait() == 1
        return (self._folder / "errors").read_text()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


@pytest.fixture(scope="module")
def driver(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    made = Driver(cluster, tmp_path_factory.mktemp("driver"))
    try:
        yield made
    finally:
        made.close()


def test_nodes_have_the_packages_and_the_images_and_nothing_else_of_this_machine(
    cluster: TestCluster, driver: Driver
) -> None:
    for node, line in driver.places().items():
        assert line["total"] == 4 * 8 * 8
        assert line["folder"] == str(cluster.folder / node)
        assert line["package"].startswith(str(cluster.folder)), line["package"]


def test_a_node_that_is_killed_is_done_without_and_one_that_comes_is_used(
    cluster: TestCluster, driver: Driver
) -> None:
    killed, other = sorted(driver.places(), key=cluster.is_apart)
    cluster.kill(killed)
    driver.next(lambda line: "restarted" in line)
    driver.measures_on(other, trials=4)
    driver.measures_on(cluster.add_node())
    driver.check_trials()


@pytest.mark.slow
def test_a_node_that_is_cut_off_is_done_without_and_ends_itself_when_it_comes_back(
    cluster: TestCluster, driver: Driver
) -> None:
    """It is cut off for longer than the head waits for it, which is 7.5 s here; with Ray's own settings it is 65 s."""
    if missing := cluster.why_none_apart():
        pytest.skip(missing)
    other, cut = sorted(driver.places(), key=cluster.is_apart)
    cluster.cut(cut)
    driver.next(lambda line: "restarted" in line)
    driver.says("1 of 2 workers wait for a place")
    assert cluster.pids(cut)
    driver.measures_on(other, trials=4)
    cluster.mend(cut)
    while cluster.pids(cut):  # what its worker has measured meanwhile, nobody wants
        driver.measures_on(other)
    driver.check_trials()


@pytest.mark.slow
def test_a_search_whose_cluster_is_gone_ends_with_the_reason(cluster: TestCluster, driver: Driver) -> None:
    """The last one: nobody has the head back."""
    driver.next(lambda line: "pid" in line)
    cluster.kill(HEAD)
    errors = driver.fail()
    driver.check_trials()
    assert "RunError: ray_address: wanted a running Ray cluster, got " in errors.splitlines()[-1]
    assert "(no answer from its head and node on this machine for 4 s)" in errors.splitlines()[-1]
    assert "[C" not in errors and "*** SIG" not in errors
