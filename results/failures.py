"""Trials that ended without a result, by how and why: what a reader looks at before the next search."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from results.trial_result import FAILURES, Status

_STATUS = {status.value: status for status in Status}


@dataclass(frozen=True)
class Failure:
    """Trials that ended alike: their ``numbers`` in order, and the first line of what was said of them."""

    status: Status
    reason: str
    numbers: tuple[int, ...]


def failures(frame: pd.DataFrame) -> list[Failure]:
    """The failed trials of a frame and those over a budget that was measured, alike ones together, the most frequent first."""
    kinds = (*FAILURES, Status.INFEASIBLE)
    rows = frame.loc[frame["status"].isin(kinds), ["number", "status", "error"]]
    found: dict[tuple[Status, str], list[int]] = {}
    for number, status, error in rows.itertuples(index=False, name=None):
        lines = error.strip().splitlines() if isinstance(error, str) else []
        found.setdefault((_STATUS[status], lines[0] if lines else ""), []).append(int(number))
    alike = [Failure(status, reason, tuple(numbers)) for (status, reason), numbers in found.items()]
    return sorted(alike, key=lambda one: (-len(one.numbers), one.numbers[0]))
