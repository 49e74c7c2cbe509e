"""How fast this device is: the two numbers of a roofline (``space.roofline``), measured once and kept.

The peak is that of a square matrix product. The bandwidth is that of a copy between tensors about as large as
feature maps, which is what a network's operations move. Both are the best of several repeats, since
disturbances only slow things down.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from evaluators.cache import cache_folder
from evaluators.device import pick_device
from space.roofline import Machine

_MATRIX = 1024
_COPIED_NUMBERS = 2**20
_REPEATS = 15


def machine_of(device: str = "cpu", *, threads: int = 1, fresh: bool = False) -> Machine:
    """Peak and bandwidth of ``device``, from the cache (``NASCALE_CACHE``, else ``~/.cache/nascale``).

    They are measured if the cache has none for this device, number of threads and torch, or if ``fresh``.
    ``threads`` matters on a CPU only.
    """
    target = pick_device(device)
    name = torch.cuda.get_device_name(target) if target.type == "cuda" else _processor()
    path = cache_folder() / "machines.json"
    key = f"{name}, {threads} threads, torch {torch.__version__}"
    known = _read(path)
    if not fresh and key in known:
        return Machine(**known[key])
    machine = _measure(name, target, threads)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_text(json.dumps({**known, key: asdict(machine)}, indent=2))
    os.replace(temporary, path)
    return machine


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The cached machines; none if the file is missing or cannot be read."""
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text())
        if isinstance(known, dict):
            return known
    return {}


def _measure(name: str, device: torch.device, threads: int) -> Machine:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        a = torch.rand(_MATRIX, _MATRIX, device=device)
        product = torch.empty_like(a)
        source = torch.rand(_COPIED_NUMBERS, device=device)
        target = torch.empty_like(source)
        peak = 2 * _MATRIX**3 / _fastest(lambda: torch.mm(a, a, out=product), device)
        bandwidth = 2 * source.nbytes / _fastest(lambda: target.copy_(source), device)
    finally:
        torch.set_num_threads(before)
    return Machine(name, threads, peak, bandwidth)


def _fastest(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of several repeats, after two to warm up."""
    seconds = []
    for _ in range(_REPEATS + 2):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return min(seconds[2:])


def _processor() -> str:
    """The processor's name as the system gives it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
