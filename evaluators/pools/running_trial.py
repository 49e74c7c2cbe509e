"""One trial while it runs in a thread: other threads take its messages, and may cancel it.

Cancelling is cooperative: it sets a flag at which the evaluator looks between batches. Nothing is interrupted from
outside, so no lock, queue or kernel is ever left half-way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from evaluators.evaluator import Candidate, Evaluator, Failure, Measurement, StopFlag
from evaluators.pools.faults import Fault, blamed, fault_of_process
from evaluators.pools.protocol import Event
from results.trial_result import Status

GRACE_SECONDS = 5.0
"""How long a cancelled trial may take to leave its worker before it is left behind."""

Message = Measurement | Failure | Fault


class RunningTrial:
    """The messages of ``evaluator.evaluate(candidate)``, kept until they are taken.

    ``worked`` says whether this process has measured something before; if it has not, ``check`` has it first show that it
    can.
    """

    def __init__(
        self, evaluator: Evaluator, candidate: Candidate, *, worked: bool = False, check: bool = False
    ) -> None:
        self._evaluator = evaluator
        self._candidate = candidate
        self.worked, self._check = worked, check
        self.number = candidate.number
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        self._stop = StopFlag()
        self._left = threading.Event()
        self._cancelled_at: float | None = None

    def run(self) -> None:
        """Does the work, in the calling thread. Raises nothing: failures and faults are messages."""
        try:
            self._work()
        except BaseException as error:
            # SystemExit and the like included: whatever a candidate raises becomes its result.
            self._inbox.put(blamed(error, self._evaluator, self.worked))
        self._left.set()
        self._inbox.put(None)

    def _work(self) -> None:
        if self._check and not self.worked:
            fault = fault_of_process(self._evaluator)
            if fault is not None:
                self._inbox.put(fault)
                return
            self.worked = True
        if self._stop.is_set():
            return
        try:
            for measurement in self._evaluator.evaluate(self._candidate, self._stop):
                if self._stop.is_set():
                    return
                self._inbox.put(measurement)
                self.worked = True
        except BaseException:
            # What a cancelled trial raises on its way out (Stopped, or anything else) is of no interest.
            if not self._stop.is_set():
                raise

    def take(self, timeout: float | None = None) -> tuple[list[Message], bool]:
        """(messages since the last call, whether the trial has ended); waits for either up to ``timeout`` seconds."""
        messages: list[Message] = []
        try:
            message = self._inbox.get(timeout=timeout)
            while message is not None:
                messages.append(message)
                message = self._inbox.get_nowait()
        except Empty:
            return messages, False
        self._inbox.put(None)  # for other listeners
        return messages, True

    def cancel(self, *, goes_on: bool = False) -> None:
        """Asks the trial to end: it does so at its evaluator's next look at the flag. Returns at once.

        ``goes_on`` says that it will be begun again.
        """
        if self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
        self._stop.set(goes_on=goes_on)

    def latest_end(self) -> float:
        """The time (of ``time.monotonic``) at which a cancelled trial is left behind, at the latest."""
        now = time.monotonic()
        return (now if self._cancelled_at is None else self._cancelled_at) + GRACE_SECONDS

    def leaves(self) -> bool:
        """Waits until the trial has left its thread; False once a cancelled one has used up its grace period."""
        return self._left.wait(max(0.0, self.latest_end() - time.monotonic()))


def events_of(number: int, messages: Sequence[Message], ended: bool, worker: str) -> list[Event]:
    """Messages of a trial as events; a trial that ended without a failure is done, one that ended by a fault is not."""
    events = []
    for message in messages:
        if isinstance(message, Failure):
            events.append(Event(number, failure=message, worker=worker))
        elif isinstance(message, Measurement):
            events.append(Event(number, measurement=message, worker=worker))
    if ended and not (messages and isinstance(messages[-1], Failure | Fault)):
        events.append(Event(number, done=True, worker=worker))
    return events


def fault_in(messages: Sequence[Message]) -> Fault | None:
    """The fault by which a trial ended, if it did."""
    return messages[-1] if messages and isinstance(messages[-1], Fault) else None


def timed_out(seconds: float) -> Failure:
    """The failure of a trial that took longer than ``seconds``."""
    return Failure(Status.TIMEOUT, f"not finished after {seconds:g} s (--trial-timeout)")
