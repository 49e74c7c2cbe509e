"""Failed trials, alike ones together."""

from __future__ import annotations

import pandas as pd

from results.failures import failures
from results.trial_result import Status


def test_alike_ones_are_together_and_the_most_frequent_come_first() -> None:
    frame = pd.DataFrame(
        [
            (0, "ok", None),
            (1, "oom", "out of memory"),
            (2, "failed", "ValueError: x\n  in line 3"),
            (3, "pruned", None),
            (4, "failed", "ValueError: x\n  in line 9"),
            (5, "infeasible", None),
        ],
        columns=["number", "status", "error"],
    )
    found = [(one.status, one.reason, one.numbers) for one in failures(frame)]
    assert found == [
        (Status.FAILED, "ValueError: x", (2, 4)),
        (Status.OOM, "out of memory", (1,)),
        (Status.INFEASIBLE, "", (5,)),
    ]


def test_every_failure_of_a_study_is_there(trials: pd.DataFrame) -> None:
    failed = trials.loc[trials["state"] == "FAIL", "number"]
    assert sorted(n for one in failures(trials) for n in one.numbers) == failed.tolist()
    assert failures(trials.iloc[:0]) == []
