"""The line that tells where a search stands."""

from __future__ import annotations

from typing import Any

import pytest

from nascale.progress import line
from search.progress import Progress


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({}, "2 min 20 s left"),  # 28 trials, one in five seconds
        ({"max_seconds": 100.0}, "40 s left"),
        ({"max_seconds": 1000.0}, "2 min 20 s left"),
        ({"max_epochs": 42}, "10 s left"),  # three epochs a trial: two more trials
        ({"max_epochs": 42, "max_seconds": 65.0}, "5 s left"),
    ],
)
def test_the_time_left_ends_with_the_first_limit(limits: dict[str, Any], left: str) -> None:
    progress = Progress(40, finished=12, new=12, epochs=36, seconds=60.0, running=2, reused=1, **limits)
    assert line(progress, 60.0) == f"12/40 trials · 12.0 trials/min · {left} · 2 running · 1 reused"


@pytest.mark.parametrize(
    "over", [{"finished": 40}, {"max_seconds": 60.0}, {"max_epochs": 36}], ids=lambda one: next(iter(one))
)
def test_nothing_is_left_at_the_end(over: dict[str, Any]) -> None:
    progress = Progress(40, **{"finished": 12, "new": 12, "epochs": 36, "seconds": 60.0, **over})
    assert "left" not in line(progress, 60.0)


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert line(Progress(40, finished=12), 60.0) == "12/40 trials"
