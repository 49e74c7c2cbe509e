"""The pool without workers, for evaluators that answer at once, such as tables: no thread, no message."""

from __future__ import annotations

from collections import deque
from typing import Self

from evaluators.evaluator import Candidate, Evaluator, Failure, StopFlag
from evaluators.pools.protocol import Event
from space.errors import RunError


class InlinePool:
    """One slot. Measures a candidate when it is polled for."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._waiting: deque[Candidate] = deque()

    @property
    def slots(self) -> int:
        return 1

    @property
    def free(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, candidate: Candidate) -> None:
        """Keeps it until the next poll. Raises RunError if another one waits."""
        if self._waiting:
            raise RunError(f"trial {candidate.number}: no slot is free")
        self._waiting.append(candidate)

    def poll(self, timeout: float | None = None) -> list[Event]:
        """The measurements of the candidate, and its end."""
        if not self._waiting:
            return []
        candidate = self._waiting.popleft()
        events: list[Event] = []
        try:
            # What was measured before an exception stays in the list.
            events.extend(
                Event(candidate.number, measurement=measurement, worker="inline")
                for measurement in self._evaluator.evaluate(candidate, StopFlag())
            )
        except (Exception, SystemExit) as error:  # whatever an evaluator raises is a value, as in every pool
            return [*events, Event(candidate.number, failure=Failure.of(error), worker="inline")]
        events.append(Event(candidate.number, done=True, worker="inline"))
        return events

    def cancel(self, number: int) -> None:
        """Drops the candidate, if it still waits: one that was measured has sent its events already."""
        self._waiting = deque(c for c in self._waiting if c.number != number)

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
