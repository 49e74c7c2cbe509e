"""Trainings that end by the clock: on a clock of their own, and what they leave from which they can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.images.image_set import ImageSet
from evaluators.optimization import learning_rate_factor
from evaluators.trained.run_folder import open_run
from evaluators.trainer.pace import Deadline, time_limit
from evaluators.trainer.run_training import Pace, RunTraining
from evaluators.trainer.schedule import Schedule
from evaluators.trainer.speed import Speed
from tests.evaluators.trainer.test_full_training import training
from tests.evaluators.trainer.test_run_training import new_run


def test_a_schedule_that_never_moved_is_its_steps() -> None:
    assert [Schedule(10).position(step) for step in range(10)] == list(range(10))
    assert Schedule.of(10, [(0, 20)]) == Schedule(20)


@pytest.mark.parametrize("moved", [45, 60, 400])
def test_the_learning_rate_has_no_jump_and_ends_at_zero(moved: int) -> None:
    before, after = Schedule(100), Schedule.of(100, [(40, moved)])

    def rate(schedule: Schedule, step: int) -> float:
        return learning_rate_factor(schedule.position(step), schedule.total, 0.15)

    assert rate(after, 40) == pytest.approx(rate(before, 40))
    assert rate(after, moved) == pytest.approx(0, abs=1e-9)
    rates = [rate(after, step) for step in range(40, moved + 1)]
    assert rates == sorted(rates, reverse=True)


class Pretended:
    """A training of which only the steps are counted; each takes ``seconds(step)`` of its clock."""

    def __init__(self, total: int, steps: int) -> None:
        self.time, self.steps = 0.0, steps
        self.done = self.epoch = 0
        self.seconds = self.step_seconds = 0.0
        self.schedule = Schedule(total)

    @property
    def step(self) -> int:
        return self.done - self.epoch * self.steps

    def train(self, pace: Pace, seconds: Callable[[], float]) -> int:
        """Trains to the end, with epochs judged in half a second; returns how often the end was moved."""
        moves = 0
        while self.done < self.schedule.total:
            total = pace(self)  # type: ignore[arg-type]
            if total is not None:
                self.schedule, moves = Schedule.of(self.schedule.total, [(self.done, total)]), moves + 1
            if self.done >= self.schedule.total:
                break
            self.time += seconds()
            self.done += 1
            if self.done % self.steps == 0:
                self.time, self.epoch = self.time + 0.5, self.epoch + 1
        return moves


@pytest.mark.parametrize("slower", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("known", [True, False])
def test_a_training_ends_when_its_time_does(slower: float, known: bool) -> None:
    one = Pretended(total=100, steps=25)
    deadline = Deadline(lambda: 100 - one.time, 0.1 if known else None, 0.5, clock=lambda: one.time)
    # It becomes slower in the middle, as when other work begins.
    moves = one.train(deadline, lambda: 0.1 * (slower if one.time > 40 else 1))
    assert one.time + 0.5 == pytest.approx(100, rel=0.03)
    assert moves < 25


@pytest.mark.parametrize("slower", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("planned", [1, 33, 60])
def test_the_last_whole_epoch_that_fits_is_the_end(slower: float, planned: int) -> None:
    one = Pretended(total=25 * planned, steps=25)
    pace = time_limit(100, Speed(0.1, 25, 0.5), clock=lambda: one.time)
    one.train(pace, lambda: 0.1 * (slower if one.time > 40 else 1))
    epoch = 25 * 0.1 * slower + 0.5
    assert one.step == 0
    assert 100 - 1.5 * epoch < one.time < 100 + 0.5 * epoch


def test_the_time_before_a_stop_counts() -> None:
    one = Pretended(total=25 * 30, steps=25)
    one.seconds, one.step_seconds = 80.0, 5.0
    one.train(time_limit(100.1, Speed(0.1, 25, 0.5), clock=lambda: one.time), lambda: 0.1)
    assert one.epoch == 5 and one.time == pytest.approx(15)


def test_a_training_by_the_clock_can_be_repeated(digits: ImageSet, tmp_path: Path) -> None:
    moves = iter([None] * 4 + [17] + [None] * 4 + [13] + [None] * 100)
    done = RunTraining(new_run(tmp_path / "run", digits), pace=lambda one: next(moves))(training(digits))
    assert done.ends == ((4, 17), (8, 13)) and open_run(tmp_path / "run").ends == done.ends
    again = replace(new_run(tmp_path / "again", digits), ends=done.ends)
    repeated = RunTraining(again)(training(digits))
    assert repeated.weights_checksum() == done.weights_checksum()
    assert repeated.ends == done.ends
    assert repeated.metrics is not None and done.metrics is not None
    assert repeated.metrics["loss"] == done.metrics["loss"]
