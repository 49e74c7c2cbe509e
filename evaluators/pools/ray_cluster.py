"""The connection to Ray: joins a cluster or starts one here, and says what its workers find and may use."""

from __future__ import annotations

import logging
import math
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evaluators.machine import memory_bytes
from evaluators.pools.protocol import PoolSettings
from space.errors import InputError

_PACKAGES = ("space", "evaluators", "results", "search", "nascale")


def connect(settings: PoolSettings) -> None:
    """Joins the cluster at ``ray_address``, or starts a local Ray just large enough.

    Raises InputError if there is no cluster.
    """
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = settings.ray_address
    if address is not None:
        check_address(address)
        try:
            # Workers elsewhere do not have this checkout: the packages are uploaded once per job.
            ray.init(address, runtime_env={"py_modules": _folders()}, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError.of("ray_address", "a running Ray cluster", f"{address} ({error})") from None
        return
    parents = [str(Path(folder).parent) for folder in _folders()]
    path = os.pathsep.join(dict.fromkeys([*parents, *filter(None, [os.environ.get("PYTHONPATH")])]))
    with exported({"PYTHONPATH": path, **_thread_variables(settings)}):
        ray.init(
            "local",
            num_cpus=math.ceil(settings.workers * settings.cpus_per_trial),
            num_gpus=None if settings.gpus_per_trial else 0,
            include_dashboard=False,
            **quiet,
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
    check_address(settings.ray_address)
    import ray

    if ray.is_initialized():
        return  # the pool's own check comes early enough
    connect(settings)
    try:
        check_resources(settings)
    finally:
        ray.shutdown()


def check_address(address: str) -> None:
    """Raises InputError if nothing listens at ``host:port``: Ray itself would wait for more than a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port[:6]) < 2**16:
        raise InputError.of("ray_address", "auto, HOST:PORT or ray://HOST:PORT", address)
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, UnicodeError) as error:
        raise InputError.of("ray_address", "a running Ray cluster", f"{address} ({error})") from None


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


def environment(settings: PoolSettings) -> dict[str, Any]:
    """Options of an actor on a Ray that was not started here: how many threads it computes on."""
    return {"runtime_env": {"env_vars": _thread_variables(settings)}}


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


@contextmanager
def exported(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables that child processes started inside inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
