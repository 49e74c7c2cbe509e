"""What lives in a Ray actor: the evaluator, unpickled once, and the trial that is running."""

from __future__ import annotations

import os
import threading
import time

from evaluators.evaluator import Candidate, Evaluator
from evaluators.pools.ray_cluster import limit_memory
from evaluators.pools.running_trial import GRACE_SECONDS, Message, RunningTrial

Answer = tuple[str, list[Message], bool]
"""The worker's name, messages, and whether the trial has ended."""


class RayWorker:
    """Runs one trial at a time.

    Calls are served by several threads and may overtake each other, so each names its trial by a ``ticket``: the
    pool numbers the trials it starts.
    """

    def __init__(self, evaluator: Evaluator, memory_bytes: int | None) -> None:
        self._evaluator = evaluator
        self._turn = threading.Lock()
        self._current: tuple[int, RunningTrial | None] = (0, None)
        self._cancelled = 0
        self._worked = False
        self._name = f"{os.uname().nodename}:{os.getpid()}"
        if memory_bytes is not None:
            limit_memory(memory_bytes)

    def ready(self) -> str:
        """The worker's name, once there is one."""
        return self._name

    def run(self, ticket: int, candidate: Candidate, check: bool = False) -> Answer | None:
        """Runs a trial to its end and gives the messages that nobody listened to before.

        The cancelled trial before it leaves first; None if that does not happen within the grace period. ``check`` has
        a process that has not measured anything yet first show that it can.
        """
        with self._turn:
            newest, before = self._current
            if ticket < newest:
                return self._name, [], True  # cancelled, and a later trial has come already
            if before is not None and not before.leaves():
                return None
            trial = RunningTrial(self._evaluator, candidate, worked=self._worked, check=check)
            self._current = ticket, trial
        if self._cancelled >= ticket:
            trial.cancel()
        trial.run()
        self._worked = trial.worked
        return self._name, *trial.take()

    def listen(self, ticket: int) -> Answer:
        """The running trial's messages, as soon as there is one, or its end."""
        deadline = time.monotonic() + GRACE_SECONDS
        while (current := self._current)[0] < ticket:  # its ``run`` is not there yet
            if time.monotonic() > deadline:
                return self._name, [], False
            time.sleep(0.001)
        trial = current[1]
        if current[0] > ticket or trial is None:
            return self._name, [], True
        return self._name, *trial.take()

    def cancel(self, ticket: int) -> None:
        """Asks a trial to end, whether its ``run`` has come or not."""
        self._cancelled = max(self._cancelled, ticket)
        running, trial = self._current
        if trial is not None and running == ticket:
            trial.cancel()
