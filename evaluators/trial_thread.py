"""One trial running in a thread of its own, so that it can be listened to, cancelled and timed out.

Both pools drive trials through this: in the process of the driver, or inside a Ray actor.
"""

from __future__ import annotations

import ctypes
import threading
import time

from evaluators.evaluator import Candidate, Evaluator, Failure, Measurement


class Cancelled(BaseException):
    """Raised inside a trial's thread to end it; no ``Exception``, so that an evaluator cannot swallow it."""


class TrialThread:
    """Runs ``evaluator.evaluate(candidate)`` and keeps its messages until they are taken."""

    def __init__(self, evaluator: Evaluator, candidate: Candidate) -> None:
        self._evaluator = evaluator
        self._candidate = candidate
        self._messages: list[Measurement | Failure] = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"trial-{candidate.number}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for measurement in self._evaluator.evaluate(self._candidate):
                self._post(measurement)
        except Cancelled:
            pass
        except BaseException as error:
            # SystemExit and the like included: whatever a candidate raises becomes its result.
            self._post(Failure.of(error))
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _post(self, message: Measurement | Failure) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def take(self, timeout: float | None = None, linger: float = 0.0) -> tuple[list[Measurement | Failure], bool]:
        """(messages since the last call, whether the trial has ended); waits for either up to ``timeout``.

        Once there is a message it waits ``linger`` seconds more for the end, so that a short trial is one
        answer and not two.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._messages) or self._ended, timeout)
            if linger and self._messages and not self._ended:
                self._changed.wait_for(lambda: self._ended, linger)
            messages, self._messages = self._messages, []
            return messages, self._ended

    def cancel(self) -> None:
        """Ends the trial at its next Python instruction (a running kernel is not interrupted)."""
        identity = self._thread.ident
        if identity is not None and self._thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(identity), ctypes.py_object(Cancelled))

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended, waiting for it up to ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while self._thread.is_alive():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._thread.join(min(left, 0.25))
            if self._thread.is_alive():
                self.cancel()  # the exception may have been raised, and swallowed, in a callback
        return True
