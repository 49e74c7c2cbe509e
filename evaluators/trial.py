"""One trial while it runs: its messages can be listened to, and it can be cancelled, from other threads.

Both pools drive trials through this: in a thread beside the driver, or inside a Ray actor.
"""

from __future__ import annotations

import ctypes
import threading
import time
from queue import Empty, SimpleQueue

from evaluators.evaluator import Candidate, Evaluator, Failure, Measurement

Message = Measurement | Failure


class Cancelled(BaseException):
    """Raised in a trial's thread to end it; no ``Exception``, so that an evaluator does not swallow it."""


class Trial:
    """The messages of ``evaluator.evaluate(candidate)``, kept until they are taken.

    A cancellation is an exception raised in the trial's thread at whatever instruction it has come to. So that
    thread takes no lock it could lose hold of: messages go through a queue whose ``put`` is one C call, and
    the end is announced only when no exception can be raised any more.
    """

    def __init__(self, evaluator: Evaluator, candidate: Candidate) -> None:
        self._evaluator = evaluator
        self._candidate = candidate
        self.number = candidate.number
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        self._over = threading.Event()
        self._gate = threading.Lock()
        self._cancelled = self._raising = False
        self._thread: int | None = None

    def run(self) -> None:
        """Does the work, in the calling thread. Raises nothing: failures are messages."""
        try:
            self._work()
            self._disarm()
        except Cancelled:  # at most one is ever raised: nothing can come in here
            self._disarm()
        self._over.set()
        self._inbox.put(None)

    def _work(self) -> None:
        self._thread = threading.get_ident()
        if self._cancelled:
            return
        try:
            for measurement in self._evaluator.evaluate(self._candidate):
                # The exception is lost if it meets code that swallows all (a destructor, a callback of the
                # garbage collector): then the trial ends here.
                if self._cancelled:
                    return
                self._inbox.put(measurement)
        except Cancelled:
            raise
        except BaseException as error:
            # SystemExit and the like included: whatever a candidate raises becomes its result.
            self._inbox.put(Failure.of(error))

    def _disarm(self) -> None:
        """Returns once no cancellation can be raised in this thread any more.

        ``cancel`` sets ``_raising`` before it reads ``_thread``; here it is the other way round. So either it
        finds no thread, or it is waited for, and what it sent but was not raised yet is taken back.
        """
        self._thread = None
        while self._raising:
            time.sleep(0.0001)
        _raise_in(threading.get_ident(), None)

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
        self._inbox.put(None)  # for whoever else listens
        return messages, True

    def cancel(self) -> None:
        """Ends the trial at its next Python instruction, at the latest at its next measurement.

        A kernel or system call that runs is not interrupted.
        """
        with self._gate:
            if self._cancelled:
                return
            self._cancelled = self._raising = True
            if self._thread is not None:
                _raise_in(self._thread, Cancelled)
            self._raising = False

    def wait(self, timeout: float) -> bool:
        """Whether the trial has ended, waiting up to ``timeout`` seconds."""
        return self._over.wait(timeout)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Has ``kind`` raised in a thread at its next instruction; None takes back what was not raised yet."""
    exception = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), exception)
