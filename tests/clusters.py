"""Ray clusters for tests: nodes on this machine with processes, a working directory and a store of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from evaluators.pools.ray_leftovers import MARK, processes_of, remove
from evaluators.pools.ray_session import _guardian, exported, read_token_again
from tests.networks import Network, why_no_network

HEAD = "head"
QUICK = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""The environment of a head that gives up a node after 3 × (0.5 + 2) s without an answer; with Ray's own settings it is 5 × (3 + 10) s."""
_LEAN = {"prestart_worker_first_driver": False}
"""Workers have packages of their own: those that Ray starts ahead are never used."""
_STORE_BYTES = 150 * 2**20


class TestCluster:
    """A head without processors, and nodes that are added, cut off and killed; everything asks for ``token``.

    The head has ``settings`` in its environment.
    """

    __test__ = False

    def __init__(self, settings: Mapping[str, str]) -> None:
        from ray.cluster_utils import Cluster

        self.folder = Path(tempfile.mkdtemp(prefix="nascale-cluster-", dir="/tmp"))
        self.token = secrets.token_hex(32)
        self._cluster: Any = Cluster(shutdown_at_exit=False)
        self._numbers = count()
        self._networks: dict[str, Network] = {}
        self._guardians: list[subprocess.Popen[bytes]] = []
        with exported(settings), self._elsewhere(HEAD):
            head = self._cluster.add_node(
                num_cpus=0,
                temp_dir=str(self.folder / "ray"),
                include_dashboard=False,
                include_log_monitor=False,
                no_monitor=True,
                _system_config=_LEAN,
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
            # Ray notes the cluster's address there; its usual folder is not there before a Ray has used it.
            "TMPDIR": str(self.folder),
            "NASCALE_CACHE": str(folder / "cache"),
            MARK: str(folder),
            "SPT_NOENV": "1",
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

    def why_none_apart(self) -> str:
        """Why there can be no node in a network of its own; empty where there can."""
        if self.address.startswith("127."):
            return "this machine has no address but its loopback one"
        return why_no_network()

    def add_node_apart(self) -> str:
        """Such a node in a network of its own, whose cable ``cut`` pulls out; its name."""
        name = f"node-{next(self._numbers)}"
        self._networks[name] = network = Network()
        with self._elsewhere(name):
            joined = subprocess.run(
                network.inside(
                    *(sys.executable, "-m", "ray.scripts.scripts", "start", f"--address={self.address}"),
                    *(f"--node-ip-address={network.there}", "--num-cpus=1", "--num-gpus=0"),
                    *(f"--object-store-memory={_STORE_BYTES}", "--include-log-monitor=False"),
                    "--disable-usage-stats",
                ),
                capture_output=True,
                text=True,
                check=False,
            )
        assert joined.returncode == 0, joined.stdout + joined.stderr
        return name

    @property
    def nodes(self) -> list[str]:
        """All that were ever added."""
        return [folder.name for folder in self.folder.glob("node-*")]

    def is_apart(self, node: str) -> bool:
        """Whether the node has a network of its own."""
        return node in self._networks

    def cut(self, node: str) -> None:
        """Cuts the node off: nothing that either side sends arrives. One that is not apart is stopped, which is as silent."""
        if self.is_apart(node):
            self._networks[node].cut()
        else:
            self._signal(node, signal.SIGSTOP)

    def mend(self, node: str) -> None:
        """Joins it to the others again."""
        if self.is_apart(node):
            self._networks[node].mend()
        else:
            self._signal(node, signal.SIGCONT)

    def pids(self, node: str) -> list[int]:
        """The processes of a node."""
        return list(processes_of(self.folder / node))

    def _signal(self, node: str, kind: signal.Signals) -> None:
        for pid in self.pids(node):
            os.kill(pid, kind)

    def kill(self, node: str) -> None:
        """Kills the node: all of its processes at once."""
        self._signal(node, signal.SIGKILL)

    def close(self) -> None:
        """Ends everything."""
        for folder in self.folder.iterdir():
            remove(folder)
        for node in self._cluster.list_all_nodes():
            for kind in node.all_processes.values():
                for started in kind:
                    started.process.wait(10)
        for guardian in self._guardians:
            guardian.kill()
            guardian.wait()
        for network in self._networks.values():
            network.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        read_token_again()


def without_token(variables: Mapping[str, str]) -> dict[str, str]:
    """An environment in which no token of Ray is found."""
    return {name: value for name, value in variables.items() if not name.startswith("RAY_AUTH")}
