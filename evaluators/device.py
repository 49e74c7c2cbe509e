"""Questions about the device that computes: which one, how much memory is free, whether it has bfloat16."""

from __future__ import annotations

import os
import re

import torch

from evaluators import machine
from space.errors import InputError

_OFFERED = "auto, cpu or cuda"
_CONTEXT_BYTES = 2**30
"""More than CUDA and its libraries take of a GPU for one process."""


def pick_device(name: str) -> torch.device:
    """The device called ``name``; ``auto`` is CUDA if there is one. Raises InputError for one that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError.of("device", _OFFERED, name) from None
    if device.type not in ("cpu", "cuda"):
        raise InputError.of("device", _OFFERED, name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError.of("device", "auto or cpu (this machine has no CUDA)", name)
    return device


def free_bytes(device: torch.device) -> int | None:
    """Memory of the device that a trial could still use; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return machine.free_bytes()


def total_bytes(device: torch.device) -> int | None:
    """Memory of the device, whoever uses it; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return machine.memory_bytes()


def could_fit(device: torch.device, error: str) -> bool:
    """Whether what a GPU refused with this ``error`` would have fitted, had no other process been on it."""
    if device.type != "cuda":
        return False
    asked = re.search(r"Tried to allocate ([\d.]+) ([KMG])iB", error)
    more = float(asked[1]) * {"K": 2**10, "M": 2**20, "G": 2**30}[asked[2]] if asked else 0.0
    free, total = torch.cuda.mem_get_info(device)
    own = torch.cuda.memory_reserved(device)
    others = total - free - own
    return others > _CONTEXT_BYTES and own + more < total - _CONTEXT_BYTES


def wants_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether to run under bfloat16 autocast: on request, and by default on GPUs that compute in it.

    Raises InputError for bfloat16 on a device that only emulates it (autocast was 6–10 times slower there).
    """
    if device.type == "cuda":
        able = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        able = not _cpu_flags().isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})
    if precision == "bfloat16" and not able:
        raise InputError.of("precision", "float32 (this device does not compute in bfloat16)", precision)
    return precision == "bfloat16" or (precision == "auto" and able and device.type == "cuda")


def _cpu_flags() -> frozenset[str]:
    """The processor's instruction sets, as Linux names them."""
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith(("flags", "Features")):
                    return frozenset(line.split(":", 1)[1].split())
    except OSError:
        pass
    return frozenset()


def make_deterministic() -> None:
    """Makes a GPU give the same accuracies each time, as far as its kernels allow."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def limit_threads(threads: int | None, device: torch.device) -> None:
    """Has torch compute on ``threads`` processors (None: as many as before). Plays no part on a GPU.

    More than this process may use (``evaluators.machine``) are not taken without being asked for.
    """
    if device.type == "cpu":
        torch.set_num_threads(min(torch.get_num_threads(), machine.cpus()) if threads is None else threads)
