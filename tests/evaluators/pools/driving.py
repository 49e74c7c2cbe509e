"""Candidates for the fakes, and a driver that runs them through a pool."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from evaluators.evaluator import Candidate
from evaluators.pools.protocol import Event, Pool


def candidate(number: int, do: str = "work", **decisions: Any) -> Candidate:
    return Candidate(number, {"do": do, **decisions}, f"key{number}", None, 0)


def drain(pool: Pool, candidates: Sequence[Candidate], seconds: float = 60.0) -> dict[int, list[Event]]:
    """Runs all candidates; the events of each, in order."""
    events: dict[int, list[Event]] = defaultdict(list)
    waiting = list(candidates)
    deadline = time.monotonic() + seconds
    while (waiting or pool.free < pool.slots) and time.monotonic() < deadline:
        while waiting and pool.free:
            pool.submit(waiting.pop(0))
        for event in pool.poll(1.0):
            events[event.number].append(event)
    assert not waiting and pool.free == pool.slots
    return events
