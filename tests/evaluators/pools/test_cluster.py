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

from tests.clusters import TestCluster, without_token
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

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def test_trials_run_on_the_nodes_that_there_are(cluster: TestCluster, tmp_path: Path) -> None:
    first, second = cluster.add_node(), cluster.add_node()
    driver = Driver(cluster, tmp_path)
    try:
        # Both have the packages and the images, and nothing else of this machine.
        for node in (first, second):
            line = driver.next(lambda line, node=node: line.get("pid") in cluster.pids(node))
            assert line["total"] == 4 * 8 * 8
            for place in (line["folder"], line["package"]):
                assert place.startswith(str(cluster.folder)), place
        cluster.kill(first)
        driver.next(lambda line: "restarted" in line)
        for _ in range(4):
            driver.next(lambda line: line.get("pid") in cluster.pids(second))
        third = cluster.add_node()
        driver.next(lambda line: line.get("pid") in cluster.pids(third))
        begun = driver.finish()
    finally:
        driver.close()
    assert sorted(line["done"] for line in driver.lines if "done" in line) == list(range(begun))
    assert not any(line.get("failure", "None") != "None" for line in driver.lines)
