"""One run at a constant rate with cool-downs: what it yields, and that a cool-down leaves no trace in the run."""

from __future__ import annotations

import pytest

from evaluators.cooldown import CooldownEvaluator
from evaluators.evaluator import COOLED, StopFlag, Stopped
from evaluators.images.image_set import ImageSet
from space.errors import InputError
from tests.evaluators.test_training import candidate, trainer


def test_each_length_is_measured_and_longer_ones_are_better(digits: ImageSet) -> None:
    evaluator = CooldownEvaluator.parse("1,2", trainer(digits, epochs=4))
    measured = evaluator.measure(candidate())
    assert [m.extra["epochs"] for m in measured] == [1, 2, 4] and len(measured) == evaluator.schedule.levels
    assert [row[0] for row in measured[-1].extra[COOLED]] == [1, 2, 4]
    losses = [m.loss for m in measured]
    assert losses == [row[1] for row in measured[-1].extra[COOLED]]
    assert losses[2] is not None and losses[0] is not None and losses[2] < losses[0]
    assert measured[-1].accuracy > 0.8


def test_a_cool_down_leaves_no_trace_in_the_run(digits: ImageSet) -> None:
    with_branch = CooldownEvaluator(trainer(digits, warmup=0.0), (1, 2)).measure(candidate())
    without = CooldownEvaluator(trainer(digits, warmup=0.0), (2,)).measure(candidate())
    assert with_branch[-1].loss == without[-1].loss
    again = CooldownEvaluator(trainer(digits, warmup=0.0), (1, 2)).measure(candidate())
    assert [(m.accuracy, m.loss) for m in again] == [(m.accuracy, m.loss) for m in with_branch]


def test_it_says_what_it_does_and_stops_when_asked(digits: ImageSet) -> None:
    plain = trainer(digits)
    evaluator = CooldownEvaluator.parse("1", plain)
    assert evaluator.describe()["cooldowns"] == [1, 2] and "cooldowns" not in plain.describe()
    stop = StopFlag()
    stop.set()
    with pytest.raises(Stopped):
        list(evaluator.evaluate(candidate(), stop))


@pytest.mark.parametrize("text", ["2", "0", "1,1", "x", "3"])
def test_lengths_must_rise_to_the_recipes(text: str, digits: ImageSet) -> None:
    with pytest.raises(InputError, match="cooldowns: wanted"):
        CooldownEvaluator.parse(text, trainer(digits))
