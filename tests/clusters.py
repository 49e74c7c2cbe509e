"""Ray clusters for tests: nodes on this machine with processes, a working directory and a store of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from evaluators.pools.ray_leftovers import MARK, processes_of, remove
from evaluators.pools.ray_session import _guardian, exported, read_token_again

HEAD = "head"
_HEALTH = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 3000,
    "health_check_failure_threshold": 3,
}


class TestCluster:
    """A head without processors, and nodes that are added and killed; everything asks for ``token``."""

    __test__ = False

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.folder = Path(tempfile.mkdtemp(prefix="nascale-cluster-", dir="/tmp"))
        self.token = secrets.token_hex(32)
        self._cluster: Any = Cluster(shutdown_at_exit=False)
        self._numbers = count()
        self._guardians: list[subprocess.Popen[bytes]] = []
        with self._elsewhere(HEAD):
            head = self._cluster.add_node(
                num_cpus=0, temp_dir=str(self.folder / "ray"), include_dashboard=False, _system_config=_HEALTH
            )
        self.address = str(head.gcs_address)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of whoever joins, and whose files are the cluster's."""
        return {"RAY_AUTH_TOKEN": self.token, "TMPDIR": str(self.folder)}

    @contextmanager
    def _elsewhere(self, name: str) -> Iterator[None]:
        """Inside, processes start in a folder of their own, and know nothing of this checkout."""
        folder = self.folder / name
        folder.mkdir()
        self._guardians.append(_guardian(folder))
        before = Path.cwd()
        variables = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "PYTHONPATH": "",
            "HOME": str(folder),
            "NASCALE_CACHE": str(folder / "cache"),
            MARK: str(folder),
        }
        os.chdir(folder)
        try:
            with exported(variables):
                read_token_again()
                yield
        finally:
            os.chdir(before)

    def add_node(self) -> str:
        """A node with one processor more; its name."""
        name = f"node-{next(self._numbers)}"
        with self._elsewhere(name):
            self._cluster.add_node(num_cpus=1)
        return name

    def pids(self, node: str) -> list[int]:
        """The processes of a node."""
        return list(processes_of(self.folder / node))

    def signal(self, node: str, kind: signal.Signals) -> None:
        """Sends all processes of a node a signal."""
        for pid in self.pids(node):
            os.kill(pid, kind)

    def kill(self, node: str) -> None:
        """Kills the node: all of its processes at once."""
        self.signal(node, signal.SIGKILL)

    def close(self) -> None:
        """Ends everything."""
        from ray._common.utils import reset_ray_address

        for folder in self.folder.iterdir():
            remove(folder)
        for node in self._cluster.list_all_nodes():
            for kind in node.all_processes.values():
                for started in kind:
                    started.process.wait(10)
        for guardian in self._guardians:
            guardian.kill()
            guardian.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        # Ray has noted the address, as that of the latest cluster that was started on this machine.
        reset_ray_address()
        read_token_again()


def without_token(variables: Mapping[str, str]) -> dict[str, str]:
    """An environment in which no token of Ray is found."""
    return {name: value for name, value in variables.items() if not name.startswith("RAY_AUTH")}
