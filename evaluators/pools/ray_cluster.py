"""The connection to Ray: joins a cluster or starts one here, and says what its workers find and may use."""

from __future__ import annotations

import logging
import math
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import gettempdir
from typing import Any, NoReturn

from evaluators.evaluator import Evaluator
from evaluators.images.image_set import carried
from evaluators.machine import memory_bytes
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray_address import found, variables_for
from evaluators.pools.ray_messages import RayMessages, new_file
from evaluators.pools.ray_session import LocalRay, as_a_driver, exported, read_token_again
from space.errors import InputError, RunError

_LOOK_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.5
_ANSWER_SECONDS = 2.0
_SILENT_SECONDS = 30.0
"""For how long a part of a cluster may not answer; after twice that, Ray itself would end the driver."""
_PACKAGES = ("space", "evaluators", "results", "search", "nascale")


class JoinedRay:
    """A Ray cluster, joined by ``__init__`` and left by ``close``. Its nodes may lie anywhere.

    ``say`` is told where Ray's messages are when something went wrong. Raises InputError where there is no cluster.
    """

    def __init__(self, address: str, say: Callable[[str], None] = lambda text: None) -> None:
        import ray

        address = found(address)
        variables = variables_for(address)
        self._say = say
        self._address = address
        self._messages = RayMessages(new_file(Path(gettempdir())))
        try:
            with exported(variables):
                read_token_again()
                # Workers elsewhere do not have this checkout: the packages are uploaded once per job.
                ray.init(
                    address,
                    runtime_env={"py_modules": _folders()},
                    log_to_driver=False,
                    logging_level=logging.WARNING,
                )
        except Exception as error:  # Ray's kinds are many
            self._messages.close()
            raise InputError.of("ray_address", "a running Ray cluster", f"{address} ({error})") from None
        except BaseException:
            self._messages.close()
            raise
        self._closed = False
        self._parts = _parts(address)
        self._looked = time.monotonic()
        self._answered = dict.fromkeys(self._parts, self._looked)

    def ended(self, *, at_once: bool = False) -> str:
        """Which part of the cluster has not answered for half a minute; empty where all do. Looked at every few seconds.

        After an error, which is to be judged ``at_once``, it waits until they answer, or half a minute is over.
        """
        while True:
            now = time.monotonic()
            if now - self._looked >= _LOOK_SECONDS or at_once:
                self._looked = now
                for name, address in self._parts.items():
                    if _answers(address):
                        self._answered[name] = now
            silent = [name for name in self._parts if now - self._answered[name] >= _SILENT_SECONDS]
            if silent or not at_once or min(self._answered.values()) == now:
                return " and ".join(silent)
            time.sleep(_LOOK_AGAIN_SECONDS)

    def restart(self, ended: str) -> NoReturn:
        """Raises RunError: a cluster is started anew by whoever has started it."""
        self.went_wrong()
        self._say = lambda text: None
        self.close()
        raise RunError(
            f"ray_address: wanted a running Ray cluster, got {self._address} (no answer from its {ended} for "
            f"{_SILENT_SECONDS:g} s); the same command goes on when there is one. Ray's messages are in {self._messages.file}"
        )

    def went_wrong(self) -> None:
        """Has Ray's messages kept and named at the end."""
        self._messages.went_wrong()

    def close(self) -> None:
        """Leaves the cluster; says where Ray's messages are where something went wrong."""
        import ray

        if self._closed:
            return
        self._closed = True
        try:
            ray.shutdown()
        finally:
            read_token_again()
            kept = self._messages.close()
        if kept is not None:
            self._say(f"Ray's messages are in {kept}")


def _parts(address: str) -> dict[str, tuple[str, int]]:
    """Where the cluster listens that a driver cannot do without: its head, and the node that the driver is on."""
    from ray._private import worker

    host, _, port = address.removeprefix("ray://").rpartition(":")
    parts = {"head": (host.strip("[]"), int(port))}
    node = worker._global_node
    if node is not None and node.node_manager_port:
        parts["node on this machine"] = (node.node_ip_address, node.node_manager_port)
    return parts


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=_ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


RaySession = LocalRay | JoinedRay


def connect(settings: PoolSettings, say: Callable[[str], None] = lambda text: None) -> RaySession:
    """Joins the cluster at ``ray_address``, or starts a local Ray just large enough.

    Raises InputError if there is no cluster, RunError if no Ray starts here.
    """
    if settings.ray_address is not None:
        return JoinedRay(settings.ray_address, say)
    parents = [str(Path(folder).parent) for folder in _folders()]
    path = os.pathsep.join(dict.fromkeys([*parents, *filter(None, [os.environ.get("PYTHONPATH")])]))
    return LocalRay(
        cpus=math.ceil(settings.workers * settings.cpus_per_trial),
        gpus=None if settings.gpus_per_trial else 0,
        variables={"PYTHONPATH": path, **_thread_variables(settings)},
        say=say,
    )


def check(settings: PoolSettings) -> None:
    """Raises InputError for workers that can never be: on a cluster that is not there, with GPUs that it lacks."""
    if settings.ray_address is None:
        if settings.gpus_per_trial:
            import torch

            there = torch.cuda.device_count()
            if settings.workers * settings.gpus_per_trial > there:
                came = f"{settings.workers} workers with {settings.gpus_per_trial:g} each"
                raise InputError.of(
                    "gpus_per_trial", f"at most the {there} GPUs of this machine in all", came
                )
        return
    with as_a_driver():
        import ray

    variables_for(found(settings.ray_address))
    if ray.is_initialized():
        return  # the pool's own check comes early enough
    joined = connect(settings)
    try:
        check_resources(settings)
    finally:
        joined.close()


def check_resources(settings: PoolSettings) -> None:
    """Raises InputError if the cluster can never hold that many workers."""
    import ray

    total = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, each in (("CPU", settings.cpus_per_trial), ("GPU", settings.gpus_per_trial)):
        if settings.workers * each > total.get(name, 0.0) + 1e-9:
            raise InputError.of(
                "workers",
                f"at most {total.get(name, 0.0):g} {name}s in all",
                f"{settings.workers} of {each:g} each",
            )


def handed_out(evaluator: Evaluator, settings: PoolSettings) -> Any:
    """The evaluator in Ray's object store; with its images where nodes may not have the file that they lie in."""
    import ray

    with carried() if settings.ray_address is not None else nullcontext():
        return ray.put(evaluator)


def environment(settings: PoolSettings) -> dict[str, Any]:
    """Options of an actor on a Ray that was not started here: how many threads it computes on, and where it may be."""
    return {"runtime_env": {"env_vars": _thread_variables(settings)}, "scheduling_strategy": "SPREAD"}


def memory_of_worker(settings: PoolSettings) -> int | None:
    """Bytes that one worker may allocate, None for no limit.

    Without a setting it is an equal share of nine tenths of this machine's memory (or of its container's), and no limit where workers are on
    a cluster or a GPU, or the system does not say how much memory there is.
    """
    if settings.memory_bytes is not None or settings.ray_address is not None or settings.gpus_per_trial:
        return settings.memory_bytes
    total = memory_bytes()
    return None if total is None else int(total * 0.9 / settings.workers)


def limit_memory(memory_bytes: int) -> None:
    """Has this process's allocations beyond ``memory_bytes`` fail as errors, before the system kills it for them."""
    try:
        import resource

        with open("/proc/self/statm") as fields:
            used = int(fields.read().split()[5]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (used + memory_bytes, hard))
    except (ImportError, OSError, ValueError):
        pass  # not Linux, or a stricter limit is in force already


def _thread_variables(settings: PoolSettings) -> dict[str, str]:
    threads = str(max(1, math.floor(settings.cpus_per_trial)))
    return {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}


def _folders() -> list[str]:
    """The folders from which the project's packages are imported here."""
    folders = []
    for name in _PACKAGES:
        module = sys.modules.get(name)
        if module is not None and module.__file__:
            folders.append(str(Path(module.__file__).resolve().parent))
    return folders
