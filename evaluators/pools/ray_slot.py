"""What the driver keeps of a slot of Ray: the worker in it, its calls that have not been answered, and its trial."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from evaluators.evaluator import Candidate


@dataclass
class Task:
    """A submitted candidate: since when it runs, from when its time counts, and how often it was begun.

    ``again`` says that a worker or the machine failed it before, ``due`` when it may be begun again.
    """

    candidate: Candidate
    started: float = 0.0
    clock: float = 0.0
    ticket: int = 0
    attempts: int = 1
    again: bool = False
    due: float = 0.0


@dataclass(eq=False)
class Worker:
    """An actor, the references of its calls that have not been answered, and its trial.

    ``actor`` is None until a trial needs one, and is asked for (``hired``) before it is there: ``ready`` is answered
    then; ``measured`` says whether it has measured anything. ``leaving`` is the time until which a cancelled trial may
    still be on it. ``faults`` counts the trials in a row that failed by this worker.
    """

    index: int
    actor: Any = None
    name: str = ""
    ready: Any = None
    hired: float = 0.0
    run: Any = None
    heard: Any = None
    leaving: float = 0.0
    task: Task | None = field(default=None, repr=False)
    measured: bool = False
    faults: int = 0

    @property
    def up(self) -> bool:
        """Whether the actor has a place and has started."""
        return self.actor is not None and self.ready is None

    def forget(self) -> None:
        """Leaves the actor and its trial behind."""
        self.actor = self.ready = self.run = self.heard = self.task = None
        self.measured, self.leaving = False, 0.0

    @property
    def pid(self) -> int | None:
        """Its process, where that is one of this machine and known."""
        host, _, pid = self.name.rpartition(":")
        return int(pid) if host == os.uname().nodename and pid.isdecimal() else None

    def end_process(self) -> None:
        """Kills its process, if it is one of this machine: one that was stopped does not hear Ray's request."""
        if self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)
