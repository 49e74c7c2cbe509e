"""The pace of a training: with which step it ends, and that by the clock, where it is given a time and not epochs.

A training that has so many seconds ends after as many steps as fit into them. How many that are is decided from its own
speed, again and again while it runs, since other work on the machine slows it down. The learning rate then goes from
where it stands towards zero at the new end, without a jump (the schedule of a budget, Li, Yumer and Ramanan 2020,
"Budgeted training"). Each decision is kept with the training, which can be repeated from them, and goes on from them
after a kill.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluators.trainer.full_training import FullTraining
    from evaluators.trainer.speed import Speed

_LOOKS = 40
"""How often in its time a training looks whether its end still fits."""
_SMALL = 0.01
"""A share of the steps left by which the end is not moved."""
_LATEST = 0.05
"""Of the time: where less of it is left, the end is moved for an overrun alone."""


@dataclass
class Deadline:
    """Moves the end of a training so that it ends after ``seconds_left()`` seconds, its last judgement included.

    ``step_seconds`` and ``judge_seconds`` are what was measured before it started, None where nothing was. Called before
    the first step and after every step and every epoch, it gives the new number of steps, or None where the end stays.
    ``whole_epochs`` has the training end with an epoch, the last that fits.
    """

    seconds_left: Callable[[], float]
    step_seconds: float | None = None
    judge_seconds: float = 0.0
    whole_epochs: bool = False
    clock: Callable[[], float] = time.monotonic
    _all: float = field(init=False)
    _looked: tuple[float, int, int] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._all = max(self.seconds_left(), 1e-3)

    def __call__(self, training: FullTraining) -> int | None:
        """The step with which ``training`` is to end; None where it stays as it is."""
        now = self.clock()
        if self._looked is None:
            self._looked = (now, training.done, training.epoch)
            if self.step_seconds is None and training.done:
                self.step_seconds = training.seconds / training.done
            return self._moved(training)
        before, done, epoch = self._looked
        if now - before < self._all / _LOOKS or training.done == done:
            return None
        judging = (training.epoch - epoch) * self.judge_seconds
        taken = max(now - before - judging, 0.1 * (now - before)) / (training.done - done)
        self.step_seconds = taken if self.step_seconds is None else 0.5 * (self.step_seconds + taken)
        self._looked = (now, training.done, training.epoch)
        return self._moved(training)

    def _moved(self, training: FullTraining) -> int | None:
        """The end that fits, at least one step; None where it is where it was, or nearly so."""
        if self.step_seconds is None:
            return None
        seconds, done, total = self.seconds_left(), training.done, training.schedule.total
        # Each epoch ends with a judgement, and so does the training.
        last = 0.0 if self.whole_epochs else self.judge_seconds
        fitting = (seconds - last) / (self.step_seconds + self.judge_seconds / training.steps)
        wanted = max(1, done, done + int(fitting))
        if self.whole_epochs:
            begun = training.epoch + (training.step > 0)
            wanted = training.steps * max(1, begun, wanted // training.steps)
        late = seconds < _LATEST * self._all
        if abs(wanted - total) <= _SMALL * (total - done) or (late and wanted > total):
            return None
        return wanted


def time_limit(
    seconds: float, speed: Speed | None, clock: Callable[[], float] = time.monotonic
) -> Callable[[FullTraining], int | None]:
    """Moves the end of a training to the last whole epoch that fits into ``seconds``, those before a stop included.

    ``speed`` is what was measured before it started; None where nothing was.
    """
    deadline: Deadline | None = None

    def pace(training: FullTraining) -> int | None:
        nonlocal deadline
        if deadline is None:
            until = clock() + seconds - training.seconds - training.step_seconds
            deadline = Deadline(
                lambda: until - clock(),
                None if speed is None else speed.step_seconds,
                0.0 if speed is None else speed.judge_seconds,
                whole_epochs=True,
                clock=clock,
            )
        return deadline(training)

    return pace
