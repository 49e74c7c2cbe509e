"""A job as a value: what was asked for, and where it stands.

States, and how one follows another::

    queued → starting → running → succeeded | failed
                        running → stopping → cancelled
    starting | running | stopping → interrupted → queued      (its process or its service was lost)

A queued job that is cancelled is so at once; one that failed or was cancelled may be queued again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

ATTEMPTS = 3
"""How often in a row a job is begun at most, where its process is lost each time before it got any further."""


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def active(self) -> bool:
        """Whether a process is at work on it, and a service answers for that process."""
        return self in ACTIVE

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self in ENDED


ACTIVE = (JobState.STARTING, JobState.RUNNING, JobState.STOPPING)
ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
WAITING = (JobState.QUEUED, JobState.INTERRUPTED)


class JobKind(StrEnum):
    """What a job does: the command of the same name."""

    SEARCH = "search"
    AUTO = "auto"
    TRAIN = "train"
    VERIFY = "verify"
    SCALE_SEARCH = "scale-search"
    BENCH = "bench"
    EXPORT = "export"


class CancelMode(StrEnum):
    """How a job is ended: in order, or at once."""

    STOP = "stop"
    KILL = "kill"


class EventType(StrEnum):
    """What an event of a job tells."""

    JOB = "job"
    """Its state has changed."""
    TRIAL = "trial"
    """A trial of its study has ended."""
    FRONT = "front"
    """Another network has come upon the front of its study."""
    EPOCH = "epoch"
    """An epoch of its training has ended."""
    LOG = "log"
    """Its process has written lines."""
    END = "end"
    """It has ended; nothing follows unless it is resumed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store has it. Times are aware, in UTC, by the database's clock.

    ``attempt`` counts how often it was begun (0 before the first time). ``progress`` holds, as far as is known,
    ``done`` and ``wanted`` in units of ``unit`` (trials, epochs), and ``best``, the best accuracy so far (a fraction).
    ``cores`` is what it counts for against the limit on cores. ``exit_code`` is negative where a signal ended the process.
    ``wish`` is how it was asked to end.
    """

    id: str
    kind: JobKind
    spec: Mapping[str, Any]
    state: JobState
    created: datetime
    why: str | None = None
    attempt: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    heartbeat: datetime | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    study: str | None = None
    cores: float = 1.0
    exit_code: int | None = None
    wish: CancelMode | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job. ``number`` counts the events of one job from 1, without gaps."""

    number: int
    type: EventType
    time: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Events:
    """Events of a job in order. ``gone`` says that some before them are kept no more; ``last`` is the number of the newest
    event there is."""

    items: tuple[Event, ...]
    gone: bool
    last: int
