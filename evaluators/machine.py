"""How much of this machine this process may use: memory and processors, within the limits of its control groups.

A container sees the memory and the processors of its host; the kernel ends what goes beyond the limits of the control
group all the same. They are read where Linux keeps them: cgroup v2 (``memory.max``, ``cpu.max``) and v1
(``memory.limit_in_bytes``, ``cpu.cfs_quota_us``), of the process's own group and of all groups above it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT = 2**60
"""Version 1 writes a number of about 2^63 where there is no limit."""
_ROOT = Path("/")


@dataclass(frozen=True)
class Limits:
    """What the control groups allow: bytes of memory, those of them that are free, and processors; None: no limit."""

    memory_bytes: int | None = None
    free_bytes: int | None = None
    cpus: float | None = None


def memory_bytes(root: Path = _ROOT) -> int | None:
    """Bytes of memory that this process may use at most; None where the system does not say."""
    try:
        host: int | None = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        host = None
    return _least(host, group_limits(root).memory_bytes)


def free_bytes(root: Path = _ROOT) -> int | None:
    """Bytes of memory that this process could still take; None where the system does not say."""
    host = None
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            host = int(line.split()[1]) * 1024
    return _least(host, group_limits(root).free_bytes)


def cpus(root: Path = _ROOT) -> int:
    """Processors that this process may use, at least 1: those it is bound to, and no more than its group's share."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = group_limits(root).cpus
    return bound if limit is None else max(1, min(bound, int(limit + 0.5)))


def kernel_kills(root: Path = _ROOT) -> int | None:
    """How many processes the kernel has killed for want of memory since it counts; None where it does not.

    Those of this process's control group, where they are counted by groups, else those of the machine.
    """
    for version, controllers, folder in _groups(root):
        if "memory" in controllers:
            file = folder / ("memory.events" if version == 2 else "memory.oom_control")
            if (count := _counter(file, "oom_kill")) is not None:
                return count
    return _counter(root / "proc/vmstat", "oom_kill")


def group_limits(root: Path = _ROOT) -> Limits:
    """The tightest limits of the process's control groups; ``root`` is where the system's files are looked for."""
    memory = free = None
    processors: float | None = None
    for version, controllers, folder in _groups(root):
        if "memory" in controllers:
            most, used, reclaimable = _memory(version, folder)
            if most is not None:
                memory = _least(memory, most)
                free = _least(free, max(0, most - max(0, used - reclaimable)))
        if "cpu" in controllers:
            shares = [share for share in (processors, _cpu_share(version, folder)) if share is not None]
            processors = min(shares, default=None)
    return Limits(memory, free, processors)


def _groups(root: Path) -> Iterator[tuple[int, frozenset[str], Path]]:
    """(version, controllers, folder) of the groups of this process and of those above them."""
    mounts = _mounts(root)
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        version = 1 if names else 2
        controllers = frozenset(names.split(",")) if names else frozenset({"memory", "cpu"})
        for kind, options, mount, inside in mounts:
            if kind != ("cgroup2" if version == 2 else "cgroup") or (
                version == 1 and not controllers & options
            ):
                continue
            # Seen from a container, the path may be that of the host, and the mount that of the container itself.
            below = path.removeprefix(inside.rstrip("/")).strip("/")
            group = mount / below if below and (mount / below).is_dir() else mount
            while True:
                yield version, controllers, group
                if group == mount:
                    break
                group = group.parent


def _mounts(root: Path) -> list[tuple[str, frozenset[str], Path, str]]:
    """(kind, options, where, which part of it) of every mounted tree of control groups."""
    found = []
    for line in _text(root / "proc/self/mountinfo").splitlines():
        fields, _, kind_fields = line.partition(" - ")
        words, kinds = fields.split(), kind_fields.split()
        if len(words) > 4 and len(kinds) > 2 and kinds[0] in ("cgroup", "cgroup2"):
            where = root / words[4].lstrip("/")
            found.append((kinds[0], frozenset(kinds[2].split(",")), where, words[3]))
    return found


def _memory(version: int, folder: Path) -> tuple[int | None, int, int]:
    """(limit, bytes in use, bytes of these that are files the kernel can drop) of one group."""
    limit, usage, idle = (
        ("memory.max", "memory.current", "inactive_file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    most = _number(folder / limit)
    if most is None or most >= _NO_LIMIT:
        return None, 0, 0
    return most, _number(folder / usage) or 0, _counter(folder / "memory.stat", idle) or 0


def _cpu_share(version: int, folder: Path) -> float | None:
    """Processors that one group may use at a time; None for no limit."""
    if version == 2:
        words = _text(folder / "cpu.max").split()
        quota, period = (_whole(words[0]), _whole(words[1])) if len(words) == 2 else (None, None)
    else:
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def _least(one: int | None, other: int | None) -> int | None:
    found = [value for value in (one, other) if value is not None]
    return min(found) if found else None


def _counter(file: Path, name: str) -> int | None:
    """The number beside ``name`` in a file of names and numbers."""
    lines = (line.split() for line in _text(file).splitlines())
    return next((_whole(words[1]) for words in lines if len(words) == 2 and words[0] == name), None)


def _number(file: Path) -> int | None:
    return _whole(_text(file).strip())


def _whole(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdecimal() else None  # "max" is no limit


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
