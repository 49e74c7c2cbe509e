"""Multi-fidelity schedules: one training per level, each the one that it would be by itself."""

from __future__ import annotations

import pytest

from evaluators.evaluator import FidelitySchedule
from evaluators.images.image_set import ImageSet
from evaluators.multi_fidelity import RECIPE_FIELDS, MultiFidelityEvaluator
from evaluators.recipe import Recipe
from evaluators.training import TrainEvaluator
from space.errors import InputError, UnknownNameError
from tests.evaluators.test_training import candidate

RECIPE = Recipe(epochs=2, device="cpu", fraction=0.6)


@pytest.mark.parametrize("text", ["fraction=0.2,0.4", "resolution=4,6", "width=0.5,0.75", "epochs=1"])
def test_each_level_is_the_training_at_its_fidelity(digits: ImageSet, text: str) -> None:
    full = TrainEvaluator(digits, RECIPE)
    evaluator = MultiFidelityEvaluator.parse(text, full)
    name, _, values = text.partition("=")
    rungs = [type(full.fidelity[name] or 1)(v) for v in values.split(",")]
    measured = evaluator.measure(candidate())
    assert [m.epoch for m in measured] == list(range(1, len(rungs) + 2))
    lower = [full.with_recipe(**{RECIPE_FIELDS[name]: rung}) for rung in rungs]
    for m, level in zip(measured, [*lower, full], strict=True):
        alone = level.measure(candidate())[-1]
        assert (m.accuracy, m.loss) == (alone.accuracy, alone.loss)
    assert len({(m.accuracy, m.loss) for m in measured}) == len(measured)
    epochs = [1, 3] if name == "epochs" else [2 * n for n in range(1, len(rungs) + 2)]
    assert [m.extra["epochs"] for m in measured] == epochs
    assert sorted(m.seconds for m in measured) == [m.seconds for m in measured]
    assert evaluator.fidelity["steps"] == len(measured)
    assert evaluator.schedule == FidelitySchedule(len(measured), restarts=True)
    assert evaluator.describe()["evaluator"] == "multi-fidelity"


def test_rungs_are_named_with_the_full_fidelity(digits: ImageSet) -> None:
    full = TrainEvaluator(digits)
    assert MultiFidelityEvaluator.parse("fraction=0.1,0.3", full).rungs == "fraction:0.1:0.3:1"
    assert MultiFidelityEvaluator.parse("resolution=4", full).rungs == "resolution:4:8"


@pytest.mark.parametrize(
    "text", ["fraction=0.3,0.1", "fraction=1", "epochs=1.5", "resolution=8", "width", "width=", "width=a"]
)
def test_rungs_that_do_not_rise_are_refused(digits: ImageSet, text: str) -> None:
    with pytest.raises(InputError, match="rungs"):
        MultiFidelityEvaluator.parse(text, TrainEvaluator(digits))


def test_an_unknown_fidelity_is_named(digits: ImageSet) -> None:
    with pytest.raises(UnknownNameError, match="nearest: fraction"):
        MultiFidelityEvaluator.parse("fractoin=0.1", TrainEvaluator(digits))
