"""What the search hands on to the longer trainings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from nascale.auto.workshop import Workshop
from results.trial_result import Status, TrialResult


def measured(number: int, accuracy: float, timed: float, **more: Any) -> TrialResult:
    return TrialResult(
        number=number,
        status=Status.OK,
        accuracy=accuracy,
        timed_accuracy=timed,
        values=(timed,),
        costs={"macs": 10 + number, "params": 1},
        **more,
    )


def test_networks_are_ranked_by_what_equal_time_would_bring_and_shown_with_their_accuracies(
    tmp_path: Path,
) -> None:
    search = SimpleNamespace(study="auto", storage=f"sqlite:///{tmp_path / 'a.db'}")
    prepared = SimpleNamespace(
        searched_merit="timed_accuracy", merit="accuracy", stock=[], spec=SimpleNamespace(search=search)
    )
    work = Workshop(cast(Any, prepared), cast(Any, None), cast(Any, None), print)
    found = work._found(
        [
            measured(0, 0.5, 0.55, stock="resnet18@width=0.1"),
            measured(1, 0.6, 0.5),
            measured(2, 0.5, 0.6),
            measured(3, 0.54, 0.66, repeat_of=2),
        ]
    )
    ranked = [(one.name, round(one.score, 9), round(one.accuracy, 9), one.factor) for one in found.networks]
    assert ranked == [
        ("trial 2", 0.63, 0.52, 1.0),
        ("resnet18@width=0.1", 0.55, 0.5, 1.0),
        ("trial 1", 0.5, 0.6, 1.0),
    ]
