"""The processes of a job, as the service sees them: begun, signalled, found again, killed without a rest."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import nascale
from service.jobs import keeper
from service.jobs.keeper import EXIT, PROCESS, VARIABLE, began, kill_marked, marked

PROGRAM = (sys.executable, "-m", "nascale")
"""What runs a job."""
LOG = "log"
_WORK = "work"
"""The working directory of a job's process, so that nothing relative meets anything."""


def mark_of(job: str, attempt: int) -> str:
    """The mark of an attempt of a job, by which its processes are known."""
    return f"{job}.{attempt}"


def begin(
    folder: Path, mark: str, command: Sequence[str], environment: Mapping[str, str], header: str
) -> None:
    """Starts a program that imports the project, under a keeper, its output added to the log behind ``header``.

    ``folder`` is the job's. Raises OSError where that cannot be written or nothing can be started.
    """
    work = folder / _WORK
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (PROCESS, EXIT):
        (folder / name).unlink(missing_ok=True)
    root = str(Path(nascale.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    own = {
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        VARIABLE: mark,
        # Ray names its processes over their environment, in which the mark stands.
        "SPT_NOENV": "1",
    }
    with (folder / LOG).open("ab") as log, open(os.devnull, "rb") as nothing:
        log.write(f"{header}\n".encode())
        log.flush()
        # Unlike subprocess, it keeps no object that waits for a process which may outlive this one.
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", keeper.__file__, str(folder), str(work), mark, *command],
            {**os.environ, **environment, **own},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source.fileno(), target)
                for source, target in ((nothing, 0), (log, 1), (log, 2))
            ],
            setsigmask=(),
        )
    _CHILDREN.add(pid)


_CHILDREN: set[int] = set()
"""Keepers that this process has started, and has not waited for yet."""


def reap() -> int:
    """Takes note of keepers that have ended; returns how many of this process have not."""
    for pid in tuple(_CHILDREN):
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended = pid
        if ended:
            _CHILDREN.discard(pid)
    return len(_CHILDREN)


@dataclass(frozen=True)
class Process:
    """A job's process and its keeper, each a number and when it began, as the keeper wrote them down."""

    mark: str
    keeper: tuple[int, str | None]
    driver: tuple[int, str | None]

    @classmethod
    def found(cls, folder: Path, mark: str) -> Self | None:
        """That of this attempt in the job's folder; None where its keeper has not written it down (yet)."""
        document = _read(folder / PROCESS, mark)
        if document is None:
            return None
        return cls(mark, tuple(document["keeper"]), tuple(document["driver"]))

    @property
    def kept(self) -> bool:
        """Whether its keeper lives."""
        pid, since = self.keeper
        return began(pid) == since if since is not None else _answers(pid)

    def stop(self) -> None:
        """Asks it to end in order."""
        pid, since = self.driver
        if since is None or began(pid) == since:
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kills it and all that it has started; the keeper stays, to write that down."""
        pid, since = self.driver
        if since is None:  # no /proc here, so nothing else is known
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        kill_marked(self.mark, frozenset({self.keeper[0]}))


def exit_status(folder: Path, mark: str) -> int | None:
    """How an attempt ended: its exit status, negative where a signal ended it; None where its keeper has not said (yet)."""
    document = _read(folder / EXIT, mark)
    return None if document is None else int(document["status"])


def is_there(mark: str) -> bool:
    """Whether any process of the attempt lives on this machine."""
    return bool(marked(mark))


def kill(mark: str) -> bool:
    """Kills every process of an attempt, the keeper too; whether none is left."""
    return kill_marked(mark)


def last_error(log: Path) -> str | None:
    """The last ``error: …`` line of a log; None where there is none near its end."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 65536))
        lines = file.read().decode(errors="replace").splitlines()
        return next(
            (line.removeprefix("error: ") for line in reversed(lines) if line.startswith("error: ")), None
        )
    return None


def _read(path: Path, mark: str) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return document if document.get("mark") == mark else None


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
