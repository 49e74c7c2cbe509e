"""The pool: candidates in, events out, one protocol over a Ray actor per slot or over this process.

The driver submits while a slot is free and polls for events. Whatever happens to a trial or its worker
becomes an event: nothing that was submitted is lost. ``evaluators.ray_pool`` holds the pool of Ray actors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from evaluators.evaluator import Candidate, Evaluator, Failure, Measurement
from evaluators.trial import Message, Trial
from space.errors import InputError, RunError

_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Event:
    """What happened to trial ``number``: a measurement, a failure, its end, or a restart on a new worker.

    Exactly one of the four is set. After ``failure`` or ``done`` the slot is free and no more events come;
    after ``restarted`` (why) the trial's measurements begin again at epoch 1.
    """

    number: int
    measurement: Measurement | None = None
    failure: Failure | None = None
    done: bool = False
    worker: str = ""
    restarted: str = ""


class Pool(Protocol):
    """Slots in which trials run. Used from one thread, the driver's; a context manager that closes itself."""

    @property
    def slots(self) -> int:
        """Trials that can run at once."""

    @property
    def free(self) -> int:
        """Slots that would take a candidate now."""

    def submit(self, candidate: Candidate) -> None:
        """Starts a trial. Raises RunError if no slot is free."""

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Events since the last call; waits up to ``timeout`` seconds for the first (None: until one comes).

        Empty at once if nothing is running.
        """

    def cancel(self, number: int) -> None:
        """Ends a running trial; its slot is free at once and no more events of it come."""

    def close(self) -> None:
        """Ends everything that is running and gives the workers back."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def open_pool(
    evaluator: Evaluator,
    *,
    workers: int = 2,
    cpus_per_trial: float = 1.0,
    gpus_per_trial: float = 0.0,
    retries: int = 1,
    trial_timeout: float | None = None,
    ray_address: str | None = None,
    memory_bytes: int | None = None,
) -> Pool:
    """The pool for ``workers`` slots; 0 runs in this process.

    ``retries`` counts how often a trial whose worker died is begun again; ``trial_timeout`` is in seconds.
    ``ray_address`` joins a running cluster, otherwise a local Ray is started for the pool's life.
    ``memory_bytes`` bounds what one CPU worker may allocate (None: its share of this machine).
    """
    _check_settings(workers, cpus_per_trial, gpus_per_trial, retries, trial_timeout)
    if workers == 0:
        return ProcessPool(evaluator, trial_timeout=trial_timeout)
    from evaluators.ray_pool import RayPool

    return RayPool(
        evaluator,
        workers=workers,
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=gpus_per_trial,
        retries=retries,
        trial_timeout=trial_timeout,
        ray_address=ray_address,
        memory_bytes=memory_bytes,
    )


def _check_settings(
    workers: int, cpus: float, gpus: float, retries: int, trial_timeout: float | None
) -> None:
    for name, ok, wanted, came in (
        ("workers", isinstance(workers, int) and workers >= 0, "a whole number, 0 or more", workers),
        ("cpus_per_trial", cpus > 0, "a positive number", cpus),
        ("gpus_per_trial", gpus >= 0, "0 or more", gpus),
        ("retries", isinstance(retries, int) and retries >= 0, "a whole number, 0 or more", retries),
        ("trial_timeout", trial_timeout is None or trial_timeout > 0, "positive seconds", trial_timeout),
    ):
        if not ok:
            raise InputError.of(name, wanted, came)


class ProcessPool:
    """One slot in this process."""

    def __init__(self, evaluator: Evaluator, *, trial_timeout: float | None = None) -> None:
        self._evaluator = evaluator
        self._timeout = trial_timeout
        self._running: tuple[Candidate, Trial, float] | None = None

    @property
    def slots(self) -> int:
        return 1

    @property
    def free(self) -> int:
        return 0 if self._running else 1

    def submit(self, candidate: Candidate) -> None:
        if self._running:
            raise RunError(f"trial {candidate.number}: no slot is free")
        trial = Trial(self._evaluator, candidate)
        self._running = (candidate, trial, time.monotonic())
        threading.Thread(target=trial.run, name=f"trial-{candidate.number}", daemon=True).start()

    def poll(self, timeout: float | None = None) -> list[Event]:
        if self._running is None:
            return []
        candidate, trial, started = self._running
        left = None if self._timeout is None else max(0.0, started + self._timeout - time.monotonic())
        waits = [t for t in (timeout, left) if t is not None]
        messages, ended = trial.take(min(waits) if waits else None)
        events = events_of(candidate.number, messages, ended, "local")
        if ended:
            self._running = None
        elif not messages and self._timeout is not None and time.monotonic() >= started + self._timeout:
            self.cancel(candidate.number)
            events.append(Event(candidate.number, failure=overdue(self._timeout), worker="local"))
        return events

    def cancel(self, number: int) -> None:
        if self._running and self._running[0].number == number:
            trial = self._running[1]
            self._running = None
            trial.cancel()
            # A thread that does not end (stuck outside Python) is left behind: it cannot be killed.
            trial.wait(_GRACE_SECONDS)

    def close(self) -> None:
        if self._running:
            self.cancel(self._running[0].number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def events_of(number: int, messages: Sequence[Message], ended: bool, worker: str) -> list[Event]:
    """Messages of a trial as events; a trial that ended without a failure is done."""
    events = [
        Event(number, failure=m, worker=worker)
        if isinstance(m, Failure)
        else Event(number, measurement=m, worker=worker)
        for m in messages
    ]
    if ended and not (events and events[-1].failure):
        events.append(Event(number, done=True, worker=worker))
    return events


def overdue(seconds: float) -> Failure:
    return Failure("timeout", f"not finished after {seconds:g} s (--trial-timeout)")
