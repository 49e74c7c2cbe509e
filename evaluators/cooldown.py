"""Several lengths of training from one run: a constant learning rate, left at each length for a short cool-down.

A training whose rate falls to zero shows what its length is worth only at its end. With a constant rate the run goes on, and at each wanted length a
branch of it cools down over the last fifth: it ends about where a schedule made for that length would (Hägele et al. 2024, arXiv 2405.18392, §3). Lengths
of a quarter, a half and all of the epochs take 1.15 times one training, where three trainings take 1.75.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from evaluators.device import limit_threads, make_deterministic, pick_device
from evaluators.evaluator import COOLED, Candidate, Evaluator, FidelitySchedule, Measurement, StopFlag
from evaluators.images.image_set import ImageSet
from evaluators.training import TrainEvaluator, Training
from evaluators.validation import check_finite
from space.errors import InputError

SHARE = 0.2
"""Of a length's steps are its cool-down."""


@dataclass(frozen=True, eq=False)
class CooldownEvaluator(Evaluator):
    """Trains by the recipe of ``training`` at a constant rate; yields one measurement for each of ``lengths``, in epochs, rising.

    The last length is the recipe's own. ``extra["cooled"]`` holds all measurements so far. The rate rises over the recipe's warm-up, as a share of the
    shortest length, and falls linearly to zero in each cool-down. A training that is interrupted begins at its start. Raises InputError for lengths
    that do not rise to the recipe's.
    """

    training: TrainEvaluator
    lengths: tuple[int, ...]
    images: ImageSet = field(init=False)

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.lengths, self.lengths[1:], strict=False))
        if not rising or self.lengths[0] < 1 or self.lengths[-1] != self.training.recipe.epochs:
            wanted = f"epochs that rise to less than the {self.training.recipe.epochs} of the training"
            raise InputError.of("cooldowns", wanted, ",".join(map(str, self.lengths[:-1])))
        object.__setattr__(self, "images", self.training.images)

    @classmethod
    def parse(cls, text: str, training: TrainEvaluator) -> CooldownEvaluator:
        """The lengths in ``text`` (``"1,2"``), and the recipe's own after them. Raises InputError."""
        try:
            shorter = tuple(int(part) for part in text.split(","))
        except ValueError:
            raise InputError.of("cooldowns", "whole epochs such as 1,2", text) from None
        return cls(training, (*shorter, training.recipe.epochs))

    def describe(self) -> dict[str, Any]:
        """Recipe and data of the training, and its cool-downs."""
        return {
            **self.training.describe(),
            "evaluator": "cool-downs",
            "cooldowns": list(self.lengths),
            "cooldown_share": SHARE,
        }

    @property
    def fidelity(self) -> dict[str, Any]:
        """That of the training, and the number of lengths."""
        return {**self.training.fidelity, "steps": len(self.lengths)}

    @property
    def schedule(self) -> FidelitySchedule:
        """One measurement for each length."""
        return FidelitySchedule(len(self.lengths))

    def probe(self) -> None:
        """A batch of the training."""
        self.training.probe()

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """Trains the candidate; yields after each cool-down. Raises Diverged, OutOfMemory, NoRoom or Stopped."""
        architecture = self.training.fitted(candidate.network("train"))
        device = pick_device(self.training.recipe.device)
        if device.type == "cuda":
            make_deterministic()
        self.training.check_memory(architecture, device)
        limit_threads(self.training.threads, device)
        started = time.perf_counter()
        run = self.training.training(candidate, architecture, device, stop)
        walk = _Walk(run, warmup=round(self.training.recipe.warmup * self.lengths[0] * run.steps))
        cooled: list[tuple[int, float, float]] = []
        for number, length in enumerate(self.lengths, 1):
            end = length * run.steps
            walk.go(end - max(1, round(SHARE * end)))
            # The last length needs no way back.
            kept = None if number == len(self.lengths) else walk.state()
            walk.cool_down(end)
            found = run.validate().scores
            cooled.append((length, found.loss, found.accuracy))
            extra = {
                "epochs": length,
                "balanced_accuracy": found.balanced_accuracy,
                COOLED: [list(one) for one in cooled],
                "device": str(device),
            }
            yield Measurement(number, found.accuracy, found.loss, time.perf_counter() - started, extra)
            if kept is not None:
                walk.restore(kept)


class _Walk:
    """Steps of one training in order, at a constant rate but for its warm-up, and cool-downs that leave it."""

    def __init__(self, run: Training, warmup: int) -> None:
        self._run, self._warmup = run, warmup
        self._step = 0
        self._order: torch.Tensor | None = None

    def go(self, until: int) -> None:
        """Steps at the constant rate until step ``until``."""
        while self._step < until:
            self._take(min(1.0, (self._step + 1) / (self._warmup + 1)))

    def cool_down(self, end: int) -> None:
        """Steps at a rate that falls linearly to zero at step ``end``."""
        steps = end - self._step
        for left in range(steps, 0, -1):
            self._take(left / (steps + 1))

    def _take(self, rate: float) -> None:
        run = self._run
        run.stop.check()
        run.module.train()
        place = self._step % run.steps
        if place == 0 or self._order is None:
            self._order = torch.randperm(len(run.train_images), generator=run.generator)
        for group in run.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate
        size = run.recipe.batch_size
        loss = run.take_step(self._order[place * size : (place + 1) * size])
        self._step += 1
        if place == run.steps - 1:
            check_finite(float(loss), self._step // run.steps)

    def state(self) -> tuple[dict[str, Any], int, torch.Tensor | None]:
        """All that ``restore`` needs, apart from what the run goes on to change."""
        return copy.deepcopy(self._run.state()), self._step, self._order

    def restore(self, kept: Sequence[Any]) -> None:
        """Goes back to ``state``."""
        state, self._step, self._order = kept
        self._run.restore(state)
