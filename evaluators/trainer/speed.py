"""How fast a training will be, measured on a few of its steps before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from evaluators.trainer.full_training import FullTraining

_WARM_STEPS, _MOST_STEPS, _SECONDS = 2, 30, 2.0
_JUDGED = 256
_TOGETHER = 0.85
"""Share of its speed that a worker keeps beside others: two are 1.7 times as fast as one."""


@dataclass(frozen=True)
class Speed:
    """Seconds of a step, steps of an epoch, and seconds in which the weights of an epoch are judged."""

    step_seconds: float
    steps: int
    judge_seconds: float

    @property
    def epoch_seconds(self) -> float:
        return self.steps * self.step_seconds + self.judge_seconds

    def shared(self, workers: int) -> Speed:
        """The speed of so many workers, each as fast as this one but for the time they wait for each other."""
        if workers == 1:
            return self
        return Speed(self.step_seconds / _TOGETHER, self.steps // workers, self.judge_seconds)


def measured_speed(training: FullTraining) -> Speed:
    """The speed of ``training``, which takes some steps for it and is of no use afterwards."""
    for _ in range(min(_WARM_STEPS, training.steps - 1)):
        training.advance()
    _wait(training.device)
    began = time.perf_counter()
    taken = 0
    while not training.epoch_is_trained and taken < _MOST_STEPS:
        training.advance()
        _wait(training.device)
        taken += 1
        if time.perf_counter() - began > _SECONDS:
            break
    step_seconds = (time.perf_counter() - began) / max(1, taken)
    return Speed(step_seconds, training.steps, _judge_seconds(training))


def _judge_seconds(training: FullTraining) -> float:
    """Seconds for the validation images, from one batch of them."""
    count = len(training.validation_images)
    x, _ = training.validation_images.slice(0, _JUDGED)
    training.network.eval()
    with torch.inference_mode():
        training.network(x)
        _wait(training.device)
        began = time.perf_counter()
        training.network(x)
        _wait(training.device)
    judged = 1 if training.average is None else 2
    return (time.perf_counter() - began) * judged * count / len(x)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
