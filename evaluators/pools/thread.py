"""The pool of one thread beside the driver, in its process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Self

from evaluators.evaluator import Candidate, Evaluator
from evaluators.pools.protocol import Event
from evaluators.pools.running_trial import RunningTrial, events_of, timed_out
from space.errors import RunError

_WORKER = "local"


@dataclass
class _Slot:
    """The trial that runs; its time counts from ``started``, when it starts at the latest."""

    trial: RunningTrial
    started: float


class ThreadPool:
    """One slot. A thread cannot be killed: a trial that does not leave in time goes on beside the next ones.

    ``trial_timeout`` is in seconds (None: no limit).
    """

    def __init__(self, evaluator: Evaluator, *, trial_timeout: float | None = None) -> None:
        self._evaluator = evaluator
        self._timeout = trial_timeout
        self._running: _Slot | None = None
        self._leaving: RunningTrial | None = None

    @property
    def slots(self) -> int:
        return 1

    @property
    def free(self) -> int:
        return 0 if self._running else 1

    def submit(self, candidate: Candidate) -> None:
        """Starts a trial in a thread of its own, which first waits for a cancelled trial to leave."""
        if self._running:
            raise RunError(f"trial {candidate.number}: no slot is free")
        trial, before = RunningTrial(self._evaluator, candidate), self._leaving
        self._leaving = None

        def work() -> None:
            if before is not None:
                before.leaves()
            trial.run()

        self._running = _Slot(trial, time.monotonic() if before is None else before.latest_end())
        threading.Thread(target=work, name=f"trial-{candidate.number}", daemon=True).start()

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Events since the last call, as the protocol says; a trial beyond the time limit is cancelled."""
        if self._running is None:
            return []
        trial, end = self._running.trial, None
        if self._timeout is not None:
            end = self._running.started + self._timeout
        left = None if end is None else max(0.0, end - time.monotonic())
        waits = [t for t in (timeout, left) if t is not None]
        messages, ended = trial.take(min(waits) if waits else None)
        events = events_of(trial.number, messages, ended, _WORKER)
        if ended:
            self._running = None
        elif self._timeout is not None and end is not None and not messages and time.monotonic() >= end:
            self.cancel(trial.number)
            events.append(Event(trial.number, failure=timed_out(self._timeout), worker=_WORKER))
        return events

    def cancel(self, number: int) -> None:
        """Sets the trial's flag; the next trial waits for it to leave, for as long as the grace period lasts."""
        if self._running and self._running.trial.number == number:
            self._leaving = self._running.trial
            self._running = None
            self._leaving.cancel()

    def close(self) -> None:
        """Cancels what runs, and waits up to the grace period for it to leave."""
        if self._running:
            self.cancel(self._running.trial.number)
        if self._leaving is not None:
            self._leaving.leaves()
            self._leaving = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
