"""Ladders of fidelities: one training per step, each the one that it would be by itself."""

from __future__ import annotations

import pytest

from evaluators.images.image_set import ImageSet
from evaluators.ladder import LadderEvaluator
from evaluators.training import TrainEvaluator
from space.errors import InputError, UnknownNameError
from tests.evaluators.test_training import candidate

RECIPE = {"epochs": 2, "device": "cpu", "fraction": 0.6}


@pytest.mark.parametrize("text", ["fraction=0.2,0.4", "resolution=4,6", "width=0.5,0.75", "epochs=1"])
def test_each_step_is_the_training_at_its_fidelity(digits: ImageSet, text: str) -> None:
    top = TrainEvaluator(digits, **RECIPE)  # type: ignore[arg-type]
    ladder = LadderEvaluator.parse(text, top)
    name, _, values = text.partition("=")
    rungs = [type(getattr(top, name) or 1)(v) for v in values.split(",")]
    measured = list(ladder.evaluate(candidate()))
    assert [m.epoch for m in measured] == list(range(1, len(rungs) + 2))
    for m, step in zip(measured, [*(top.replace(**{name: rung}) for rung in rungs), top], strict=True):
        alone = list(step.evaluate(candidate()))[-1]
        assert (m.accuracy, m.loss) == (alone.accuracy, alone.loss)
    assert len({(m.accuracy, m.loss) for m in measured}) == len(measured)
    epochs = [1, 3] if name == "epochs" else [2 * n for n in range(1, len(rungs) + 2)]
    assert [m.extra["epochs"] for m in measured] == epochs
    assert sorted(m.seconds for m in measured) == [m.seconds for m in measured]
    assert ladder.fidelity["steps"] == len(measured)
    assert ladder.describe()["evaluator"] == "ladder"


def test_rungs_are_named_with_the_top(digits: ImageSet) -> None:
    top = TrainEvaluator(digits)
    assert LadderEvaluator.parse("fraction=0.1,0.3", top).rungs == "fraction:0.1:0.3:1"
    assert LadderEvaluator.parse("resolution=4", top).rungs == "resolution:4:8"


@pytest.mark.parametrize(
    "text", ["fraction=0.3,0.1", "fraction=1", "epochs=1.5", "resolution=8", "width", "width=", "width=a"]
)
def test_rungs_that_make_no_ladder_are_refused(digits: ImageSet, text: str) -> None:
    with pytest.raises(InputError, match="rungs"):
        LadderEvaluator.parse(text, TrainEvaluator(digits))


def test_an_unknown_fidelity_is_named(digits: ImageSet) -> None:
    with pytest.raises(UnknownNameError, match="nearest: fraction"):
        LadderEvaluator.parse("fractoin=0.1", TrainEvaluator(digits))
