"""The pool of one thread beside the driver, in its process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from evaluators.evaluator import Candidate, Evaluator
from evaluators.pools.faults import FEW, Blame, Endurance, Fault
from evaluators.pools.protocol import PATIENCE_SECONDS, Event
from evaluators.pools.running_trial import RunningTrial, events_of, fault_in, timed_out
from space.errors import RunError

_WORKER = "local"


@dataclass
class _Slot:
    """The trial that runs; its time counts from ``started``, when it starts at the latest.

    ``due`` is when it begins again: until then it rests, for the machine had no room for it.
    """

    candidate: Candidate
    trial: RunningTrial
    started: float
    due: float | None = None


class ThreadPool:
    """One slot. A thread cannot be killed: a trial that does not leave in time goes on beside the next ones.

    ``trial_timeout`` is in seconds (None or 0: no limit). For ``patience`` seconds trials are begun again that fail by the
    machine's fault; ``say`` is told of it.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        trial_timeout: float | None = None,
        patience: float = PATIENCE_SECONDS,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._evaluator = evaluator
        self._timeout = trial_timeout or None
        self._endurance = Endurance(patience, say)
        self._worked = False
        self._faults = 0
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
        self._start(candidate)

    def _start(self, candidate: Candidate) -> None:
        trial, before = RunningTrial(self._evaluator, candidate, worked=self._worked), self._leaving
        self._leaving = None

        def work() -> None:
            if before is not None:
                before.leaves()
            trial.run()

        started = time.monotonic() if before is None else before.latest_end()
        self._running = _Slot(candidate, trial, started)
        threading.Thread(target=work, name=f"trial-{candidate.number}", daemon=True).start()

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Events since the last call, as the protocol says; a trial beyond the time limit is cancelled."""
        if self._running is None:
            return []
        if self._running.due is not None:
            return self._rest(self._running, self._running.due, timeout)
        trial, end = self._running.trial, None
        if self._timeout is not None:
            end = self._running.started + self._timeout
        left = None if end is None else max(0.0, end - time.monotonic())
        waits = [t for t in (timeout, left) if t is not None]
        messages, ended = trial.take(min(waits) if waits else None)
        events = events_of(trial.number, messages, ended, _WORKER)
        fault = fault_in(messages)
        if any(event.measurement for event in events):
            self._worked, self._faults = True, 0
        if fault is not None:
            events.append(self._failed(self._running, fault))
        elif ended or any(event.failure for event in events):  # it ends with its failure, a moment later
            self._endurance.ended()
            self._running = None
        elif self._timeout is not None and end is not None and not messages and time.monotonic() >= end:
            self.cancel(trial.number)
            events.append(Event(trial.number, failure=timed_out(self._timeout), worker=_WORKER))
        return events

    def _failed(self, slot: _Slot, fault: Fault) -> Event:
        """A trial that failed by no fault of its own rests, and is begun again."""
        moment, number = time.monotonic(), slot.candidate.number
        slot.due = moment
        if fault.blame is Blame.MACHINE:
            slot.due += self._endurance.fault(moment, slot.started, number, "this process", fault.reason)
        else:
            self._faults += 1
            if self._faults >= FEW:
                raise RunError(f"workers: none is left: this process {fault.reason}")
        return Event(number, restarted=fault.reason, worker=_WORKER)

    def _rest(self, slot: _Slot, due: float, timeout: float | None) -> list[Event]:
        rest = max(0.0, due - time.monotonic())
        time.sleep(rest if timeout is None else min(rest, timeout))
        if time.monotonic() < due:
            return []
        self._start(slot.candidate)
        return self.poll(None if timeout is None else max(0.0, timeout - rest))

    def cancel(self, number: int) -> None:
        """Sets the trial's flag; the next trial waits for it to leave, for as long as the grace period lasts."""
        if self._running and self._running.candidate.number == number:
            self._leave(goes_on=False)

    def _leave(self, *, goes_on: bool) -> None:
        """Has the slot's trial end, which will be begun again where it ``goes_on``."""
        if self._running is not None and self._running.due is None:
            self._leaving = self._running.trial
            self._leaving.cancel(goes_on=goes_on)
        self._running = None

    def close(self) -> None:
        """Cancels what runs, and waits up to the grace period for it to leave."""
        self._leave(goes_on=True)
        if self._leaving is not None:
            self._leaving.leaves()
            self._leaving = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
