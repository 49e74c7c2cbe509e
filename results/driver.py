"""The process that is at work on a study, as it marks the study while it runs.

The mark is a lease: it names the process, carries a token that nobody else has, and says when the process last
renewed it. Whoever finds it can tell on the same machine whether the process has ended, and elsewhere whether the lease
has run out.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ATTRIBUTE = "nascale:driver"
"""The study's system attribute that holds the mark; null when nobody is at work."""
LEASE_SECONDS = 60.0
"""A driver that has not renewed its lease for this long counts as gone."""
_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Driver:
    """A process at work on a study.

    ``began`` tells it from a later process of the same number, ``machine`` names the running kernel and the
    namespace that the number belongs to. ``beat`` is when it last renewed its lease, in seconds since 1970 by the
    database's clock; a search of before there were leases has none.
    """

    host: str
    pid: int
    began: str | None
    machine: str | None = None
    token: str = ""
    beat: float | None = None

    @classmethod
    def this(cls) -> Driver:
        """The process that asks, with a token of its own."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, _began(pid), _machine(), uuid.uuid4().hex)

    @classmethod
    def of_json(cls, mark: object) -> Driver | None:
        """The driver that a mark names; None where there is none."""
        if not isinstance(mark, Mapping) or not isinstance(mark.get("pid"), int):
            return None
        beat = mark.get("beat")
        return cls(
            str(mark.get("host")),
            mark["pid"],
            mark.get("began"),
            mark.get("machine"),
            str(mark.get("token", "")),
            float(beat) if isinstance(beat, (int, float)) else None,
        )

    def to_json(self) -> dict[str, Any]:
        """The mark as it is stored: the token comes first, so that a beginning of the text tells whose it is."""
        return {
            "token": self.token,
            "host": self.host,
            "pid": self.pid,
            "began": self.began,
            "machine": self.machine,
            "beat": self.beat,
        }

    @property
    def is_here(self) -> bool:
        """Whether it ran on this machine, where it can be seen whether it still does."""
        if self.machine is None:
            return self.host == socket.gethostname()
        return self.machine == _machine()

    @property
    def is_this(self) -> bool:
        """Whether it is the process that asks."""
        return self.is_here and self.pid == os.getpid() and self.began == _began(self.pid)

    def is_gone(self, now: float, started: float = 0.0) -> bool:
        """Whether it has ended, or has let its lease run out; ``now`` is by the database's clock.

        Nobody can renew a lease while the database is down, so time counts from when that ``started`` at the earliest.
        Elsewhere nothing is known of a search of before there were leases: it counts as gone.
        """
        if self.is_here and self._has_ended:
            return True
        if self.beat is None:
            return not self.is_here
        return now - max(self.beat, started) > LEASE_SECONDS

    @property
    def _has_ended(self) -> bool:
        if _PROCESSES.exists():
            try:
                began = _began(self.pid)
            except OSError:  # too many open files, for one: nothing can be seen of it
                return False
            return began is None or began != self.began
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False

    def told(self, now: float) -> str:
        """The process in words: where it runs, and when it was last heard of."""
        where = f"process {self.pid}" if self.is_here else f"process {self.pid} on host {self.host}"
        return (
            where if self.beat is None else f"{where}, last heartbeat {max(0.0, now - self.beat):.0f} s ago"
        )


def _began(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None where it is gone, also if nobody waited for it (or no /proc).

    Raises OSError where that cannot be read.
    """
    try:
        stat = (_PROCESSES / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]


@cache
def _machine() -> str | None:
    """Names the running kernel and this process's namespace of process numbers; None where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None
