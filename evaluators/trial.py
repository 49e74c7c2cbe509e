"""One trial while it runs: its messages can be listened to, and it can be cancelled, from other threads.

Both pools drive trials through this: in a thread beside the driver, or inside a Ray actor.
"""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress

from evaluators.evaluator import Candidate, Evaluator, Failure, Measurement

Message = Measurement | Failure


class Cancelled(BaseException):
    """Raised in a trial's thread to end it; no ``Exception``, so that an evaluator does not swallow it."""


class Trial:
    """The messages of ``evaluator.evaluate(candidate)``, kept until they are taken."""

    def __init__(self, evaluator: Evaluator, candidate: Candidate) -> None:
        self._evaluator = evaluator
        self._candidate = candidate
        self.number = candidate.number
        self._messages: list[Message] = []
        self._changed = threading.Condition()
        self._ended = False
        self._cancelled = False
        self._thread: int | None = None

    def run(self) -> None:
        """Does the work, in the calling thread. Raises nothing: failures are messages."""
        with suppress(Cancelled):  # one that arrives while a failure is being written down
            self._work()
        while not self._ended:
            try:
                self._end()
            except Cancelled:
                continue

    def _work(self) -> None:
        with self._changed:
            if self._cancelled:
                return
            self._thread = threading.get_ident()
        try:
            for measurement in self._evaluator.evaluate(self._candidate):
                self._post(measurement)
        except Cancelled:
            return
        except BaseException as error:
            # SystemExit and the like included: whatever a candidate raises becomes its result.
            self._post(Failure.of(error))

    def _post(self, message: Message) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            if self._thread is not None:
                # A cancellation that was sent but not raised yet must not hit what this thread does next.
                _raise_in(self._thread, None)
            self._thread = None
            self._ended = True
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> tuple[list[Message], bool]:
        """(messages since the last call, whether the trial has ended); waits for either up to ``timeout``."""
        with self._changed:
            if not self._messages and not self._ended:
                self._changed.wait_for(lambda: bool(self._messages) or self._ended, timeout)
            messages, self._messages = self._messages, []
            return messages, self._ended

    def cancel(self) -> None:
        """Ends the trial at its next Python instruction (a kernel or system call that runs is not interrupted)."""
        with self._changed:
            self._cancelled = True
            if self._thread is not None:
                _raise_in(self._thread, Cancelled)

    def wait(self, timeout: float) -> bool:
        """Whether the trial has ended, waiting up to ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended, timeout)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Has ``kind`` raised in a thread at its next instruction; None takes back what was not raised yet."""
    exception = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), exception)
