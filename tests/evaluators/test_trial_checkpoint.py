"""A trial's training goes on from its checkpoint, bit for bit, however it was ended; nothing is left at its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators.evaluator import Candidate, Diverged, Measurement, StopFlag, Stopped
from evaluators.images.image_set import ImageSet
from evaluators.recipe import Recipe
from evaluators.training import TrainEvaluator, Training
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, Drop, GlobalPool, MBConv
from tests.processes import python

NET = Architecture(
    (Conv(8),),
    (Stage((MBConv(8, stride=2, expansion=2), MBConv(8, expansion=2, drop_path=0.2))),),
    (GlobalPool(), Drop(0.2), Dense()),
    8,
    10,
    1,
)
CANDIDATE = Candidate(0, {}, NET.key, NET, 3)
EPOCHS = 3
KILLED = """
import os, signal
from evaluators.data import load
from evaluators.training import Training
from tests.evaluators import test_trial_checkpoint as here

taken, take_step = [], Training.take_step
def dies(self, positions):
    taken.append(None)
    if len(taken) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return take_step(self, positions)
Training.take_step = dies
here.evaluator(load("digits")).measure(here.CANDIDATE)
"""


def evaluator(images: ImageSet, **recipe: Any) -> TrainEvaluator:
    """Several steps an epoch, everything random switched on, a checkpoint after every step."""
    given = {"epochs": EPOCHS, "fraction": 0.3, "crop": 1, "flip": True, "device": "cpu", **recipe}
    return TrainEvaluator(images, Recipe(**given), checkpoint_seconds=1e-9)


class Interrupted(StopFlag):
    """Is set once it has been looked at ``looks`` times; ``goes_on`` as it says."""

    def __init__(self, looks: int, goes_on: bool) -> None:
        super().__init__()
        self.looks, self.later = looks, goes_on

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            self.set(goes_on=self.later)
        super().check()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path))
    return tmp_path / "trials"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """One entry for each step that is taken."""
    steps: list[int] = []
    take = Training.take_step

    def counted(self: Training, positions: torch.Tensor) -> torch.Tensor:
        steps.append(len(positions))
        return take(self, positions)

    monkeypatch.setattr(Training, "take_step", counted)
    return steps


def figures(measurements: list[Measurement]) -> list[Any]:
    names = ("train_loss", "balanced_accuracy", "right_images")
    return [(m.epoch, m.accuracy, m.loss, *(m.extra[name] for name in names)) for m in measurements]


def undisturbed(images: ImageSet, **recipe: Any) -> list[Any]:
    plain = TrainEvaluator(images, evaluator(images, **recipe).recipe)
    return figures(plain.measure(CANDIDATE))


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "adamw"}])
def test_an_interrupted_trial_goes_on_with_the_next_step(
    digits: ImageSet, folder: Path, taken: list[int], recipe: dict[str, Any]
) -> None:
    wanted = undisturbed(digits, **recipe)
    whole, steps = len(taken), len(taken) // EPOCHS
    for looks in (1, steps, steps + 1, 2 * steps + 3):
        taken.clear()
        made = evaluator(digits, **recipe)
        with pytest.raises(Stopped):
            list(made.evaluate(CANDIDATE, Interrupted(looks, goes_on=True)))
        assert len(list(folder.iterdir())) == 1
        torch.manual_seed(99)
        measured = made.measure(CANDIDATE)
        assert figures(measured) == wanted
        assert all(one.extra["image_seconds"] > 0 for one in measured)
        assert len(taken) == whole
        assert not list(folder.iterdir())


def test_a_killed_trial_goes_on_bit_for_bit(digits: ImageSet, folder: Path, taken: list[int]) -> None:
    wanted = undisturbed(digits)
    whole = len(taken)
    assert python("-c", KILLED).returncode == -signal.SIGKILL
    taken.clear()
    resumed = evaluator(digits).measure(CANDIDATE)
    assert figures(resumed) == wanted
    assert len(taken) == whole - 7
    assert [m.seconds for m in resumed] == sorted(m.seconds for m in resumed)


def test_a_trial_that_lost_or_failed_leaves_nothing(digits: ImageSet, folder: Path) -> None:
    with pytest.raises(Stopped):
        list(evaluator(digits).evaluate(CANDIDATE, Interrupted(9, goes_on=False)))
    assert not list(folder.iterdir())
    first = evaluator(digits).evaluate(CANDIDATE, StopFlag())
    next(first)
    first.close()
    assert not list(folder.iterdir())
    with pytest.raises(Diverged):
        evaluator(digits, learning_rate=1e18, warmup=0.0).measure(CANDIDATE)
    assert not list(folder.iterdir())


def test_neither_a_damaged_checkpoint_nor_that_of_another_training_is_gone_on_from(
    digits: ImageSet, folder: Path, taken: list[int]
) -> None:
    with pytest.raises(Stopped):
        list(evaluator(digits).evaluate(CANDIDATE, Interrupted(9, goes_on=True)))
    (path,) = folder.iterdir()
    taken.clear()
    evaluator(digits, weight_decay=0.0).measure(CANDIDATE)
    whole = len(taken)
    path.write_bytes(path.read_bytes()[:-5])
    taken.clear()
    assert figures(evaluator(digits).measure(CANDIDATE)) == undisturbed(digits)
    assert len(taken) == 2 * whole
