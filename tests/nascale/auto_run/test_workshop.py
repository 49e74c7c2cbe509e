"""What the search hands on to the longer trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nascale.auto_run.augmentation import STRONGER, UNFLIPPED
from nascale.auto_run.clock import Clock
from nascale.auto_run.state import Finalist
from nascale.auto_run.trainings import Training
from nascale.auto_run.workshop import Workshop, _block_types, _told_apart, _varied
from results.trial_result import Status, TrialResult
from space import zoo
from space.codec import to_dict


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
        ("trial 1", 0.5, 0.6, 1.0),
        ("resnet18@width=0.1", 0.55, 0.5, 1.0),
    ]


def test_networks_that_are_much_alike_do_not_fill_the_longer_trainings() -> None:
    """Each kind of the better half once; then all others, by their scores."""
    ranked = [
        Finalist(f"trial {number}", "", False, 1 - number / 10, 0.5, 1, 1.0, 10, 1) for number in range(7)
    ]
    kinds = ["aa", "aa", "ab", "aa", "bb", "cc", "ab"]
    assert [one.name[-1] for one in _varied(ranked, [tuple(kind) for kind in kinds])] == list("0213456")
    assert _varied([], []) == []


def test_block_types_are_those_of_the_stages() -> None:
    network = zoo.resnet18(width=0.1, resolution=32)
    trial = replace(measured(0, 0.5, 0.5), architecture=to_dict(network))
    assert _block_types(trial) == ("Basic",) * 4
    assert _block_types(measured(0, 0.5, 0.5)) == ()


@pytest.mark.parametrize(
    ("stage", "together", "threads"), [("heats", 8, 2), ("heats", 2, 2), ("final", 2, 8), ("final", 3, 4)]
)
def test_the_few_trainings_of_the_final_share_all_processors(
    tmp_path: Path, stage: str, together: int, threads: int
) -> None:
    search = SimpleNamespace(storage="")
    spec = SimpleNamespace(out=tmp_path, threads=2, training_options={"seed": 3, "threads": 2}, search=search)
    begun: list[Training] = []
    trainees = SimpleNamespace(train=lambda trainings, *_: begun.extend(trainings))
    work = Workshop(cast(Any, SimpleNamespace(slots=8, spec=spec)), cast(Any, trainees), Clock(), print)
    some = [(Finalist(f"trial {i}", "", False, 0.5, 0.5, 1, 1.0, 10, 1), {}) for i in range(together)]
    work.train(stage, some, 100.0, 2.0)
    assert len(begun) == together
    assert all(one.options == {"seed": 3, "threads": threads, "epochs": 50} for one in begun)


def test_two_trainings_of_one_network_are_told_apart() -> None:
    one, other = (Finalist(f"trial {number}", "", False, 0.5, 0.5, 1, 1.0, 10, 1) for number in range(2))
    assert _told_apart([(one, STRONGER), (one, UNFLIPPED)]) == [
        "trial 0, TrivialAugment",
        "trial 0, no flips",
    ]
    assert _told_apart([(one, STRONGER), (other, STRONGER)]) == ["trial 0", "trial 1"]
    assert _told_apart([]) == []
