"""The search that is at work on a study: its process and its host, as it marks the study while it runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ATTRIBUTE = "nascale:driver"
"""The study's system attribute that holds the mark; null when no search is at work."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A process that drives a search. ``began`` tells it from a later process of the same number."""

    host: str
    pid: int
    began: str | None

    @classmethod
    def this(cls) -> Driver:
        """The process that asks."""
        return cls(socket.gethostname(), os.getpid(), _began(os.getpid()))

    @classmethod
    def of_json(cls, mark: object) -> Driver | None:
        """The driver that a mark names; None where there is none."""
        if not isinstance(mark, Mapping) or not isinstance(mark.get("pid"), int):
            return None
        return cls(str(mark.get("host")), mark["pid"], mark.get("began"))

    def to_json(self) -> dict[str, Any]:
        """The mark as it is stored."""
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it ran on this host, where it can be seen whether it still does."""
        return self.host == socket.gethostname()

    @property
    def is_gone(self) -> bool:
        """Whether the process has surely ended; on another host nobody can tell."""
        began = _began(self.pid)
        return self.is_here and (began is None or began != self.began)

    def __str__(self) -> str:
        return f"process {self.pid}" if self.is_here else f"process {self.pid} on host {self.host}"


def _began(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None where it is gone, also if nobody waited for it (or no /proc)."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    except (OSError, IndexError, ValueError):
        return None
