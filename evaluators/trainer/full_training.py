"""A full training as a state that moves by steps, can be stored after any of them, and goes on exactly.

All that is random is drawn from (seed, epoch, step): the order of the images once an epoch, augmentation, dropout and
stochastic depth anew for each step. A training that goes on from a stored state therefore takes the same steps as one
that was never stopped, on a CPU with the same number of threads bit for bit. Nothing here touches files.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor, nn

from evaluators.device import wants_bfloat16
from evaluators.evaluator import StopFlag
from evaluators.full_recipe import FullRecipe
from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet
from evaluators.images.splits import training_subset
from evaluators.network import Network, build
from evaluators.optimization import class_weights, learning_rate_factor, make_optimizer, set_learning_rate
from evaluators.trainer.batch_augmentation import BatchAugmentation
from evaluators.trainer.epoch_metrics import (
    AVERAGE,
    EpochMetrics,
    Judged,
    as_records,
    best,
    epochs_without_gain,
    kept,
)
from evaluators.trainer.schedule import End, Schedule
from evaluators.trainer.soft_targets import distillation_loss, loss_of_targets
from evaluators.trainer.training_images import TrainingImages
from evaluators.trainer.weight_average import WeightAverage
from evaluators.validation import accuracy_of, check_finite
from space.architecture import Architecture

_CHECK_EVERY = 50


@dataclass(frozen=True)
class Teacher:
    """A trained network whose outputs are taught: ``weight`` is their share of the loss."""

    network: nn.Module
    weight: float
    temperature: float


def new_network(architecture: Architecture, seed: int, device: torch.device) -> Network:
    """The network as a training starts with it, with its auxiliary classifiers; residual branches start at zero."""
    return build(architecture, seed=seed, device=device, auxiliaries=True, zero_last_norm=True)


class FullTraining:
    """The training of ``network``, made for the images' classes and channels, on ``images`` at ``resolution`` pixels.

    ``epoch`` counts the epochs that are complete, ``step`` the steps since; ``rows`` are the figures of the complete
    ones. ``advance`` takes a step, and after the last of an epoch ``judge`` ends it. The last images of an epoch that
    fill no batch are left out, others in each epoch. ``end_with`` moves the end, also into the middle of an epoch;
    ``ends`` are all moves.
    """

    def __init__(
        self,
        network: Network,
        resolution: int,
        images: ImageSet,
        recipe: FullRecipe,
        *,
        seed: int,
        device: torch.device,
        teacher: Teacher | None = None,
    ) -> None:
        self.recipe, self.seed, self.device, self.teacher = recipe, seed, device, teacher
        self.network: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.module: Any = torch.compile(network) if recipe.compile else self.network
        self.average = WeightAverage(self.network, recipe.ema) if recipe.ema else None
        self.optimizer = make_optimizer(self.network.parameters(), recipe)
        self.autocast = wants_bfloat16(recipe.precision, device)
        subset = training_subset(images, recipe.fraction)
        # Without random crops of a part, each image is resized once and not at every step.
        self.train_images = (
            TrainingImages(images, subset, device)
            if recipe.random_resized_crop
            else DeviceImages(images, subset, resolution, device, channels_last=True)
        )
        self.validation_images = DeviceImages(
            images, images.validation, resolution, device, channels_last=True
        )
        self.augment = BatchAugmentation.of(recipe, len(images.classes), resolution, images.statistics)
        self.class_weights = class_weights(images.labels[subset], len(images.classes), recipe, device)
        self.steps = len(subset) // recipe.batch_size
        self.epoch = self.step = 0
        self.rows: list[EpochMetrics] = []
        self.ends: list[End] = []
        self.schedule = Schedule(recipe.epochs * self.steps)
        self.seconds = self.step_seconds = 0.0
        self._loss = torch.zeros((), device=device)
        self._order: Tensor | None = None

    @property
    def balanced(self) -> bool:
        """Whether the balanced accuracy decides which weights are kept: where the loss weights the classes."""
        return self.class_weights is not None

    @property
    def best(self) -> Judged | None:
        """The weights with the highest accuracy so far."""
        return best(self.rows, self.balanced)

    @property
    def kept(self) -> Judged | None:
        """The weights that are kept so far."""
        return kept(self.rows, self.recipe, len(self.validation_images), self.balanced)

    @property
    def stopped_early(self) -> bool:
        """Whether too many epochs brought nothing better."""
        patience = self.recipe.patience
        return bool(patience) and epochs_without_gain(self.rows, self.balanced) >= patience

    @property
    def done(self) -> int:
        """Steps that are taken."""
        return self.epoch * self.steps + self.step

    @property
    def epochs(self) -> int:
        """Epochs after which it ends, as it stands now; the last one may be cut short."""
        return -(-self.schedule.total // self.steps)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return (self.step == 0 and self.done >= self.schedule.total) or self.stopped_early

    @property
    def epoch_is_trained(self) -> bool:
        """Whether all steps of the epoch are taken, so that it is to be judged."""
        return self.step >= self.steps or (self.step > 0 and self.done >= self.schedule.total)

    def end_with(self, total: int) -> None:
        """Has the training end with step ``total``, at the earliest now; the learning rate goes on without a jump."""
        self.ends.append((self.done, max(total, self.done)))
        self.schedule = Schedule.of(self.recipe.epochs * self.steps, self.ends)

    @property
    def mean_loss(self) -> float:
        """The mean training loss of the epoch so far; waits for the device."""
        return float(self._loss) / max(1, self.step)

    def advance(self) -> None:
        """One step of the optimiser. Raises Diverged where the loss is no finite number."""
        started = time.perf_counter()
        generator = self._generator("step", self.step)
        torch.manual_seed(
            generator.initial_seed()
        )  # dropout and stochastic depth draw from the global generator
        x, labels = self.train_images.batch(self._positions())
        x, targets = self.augment(x, labels, generator)
        where = self.schedule.position(self.done)
        set_learning_rate(self.optimizer, where, self.schedule.total, self.recipe.warmup)
        self._loss += self._update(x, targets)
        if self.average is not None:
            self.average.update()
        self.step += 1
        if self.step % _CHECK_EVERY == 0 or self.epoch_is_trained:
            self.check_loss()
        self.step_seconds += time.perf_counter() - started

    def check_loss(self) -> None:
        """Raises Diverged where the mean loss is no finite number."""
        check_finite(self.mean_loss, self.epoch + 1)

    def _positions(self) -> Tensor:
        """The images of this step, as positions within the training images."""
        if self._order is None:
            order = torch.randperm(len(self.train_images), generator=self._generator("order", 0))
            self._order = order.to(self.device)
        size = self.recipe.batch_size
        return self._order[self.step * size : (self.step + 1) * size]

    def _update(self, x: Tensor, targets: Tensor) -> Tensor:
        """Moves the weights against the gradient of a batch; returns the loss, detached."""
        recipe = self.recipe
        self.module.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            output = self.module(x)
            loss = loss_of_targets(output, targets, recipe.label_smoothing, self.class_weights)
            if self.teacher is not None:
                loss = self._taught(loss, output, x, self.teacher)
        torch.autograd.backward(loss)
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step()
        return loss.detach()

    def _taught(self, loss: Tensor, output: Any, x: Tensor, teacher: Teacher) -> Tensor:
        """The loss with the teacher's share in it; auxiliary classifiers learn from the labels alone."""
        logits = output[0] if isinstance(output, tuple) else output
        with torch.no_grad():
            wanted = teacher.network(x)
        learned = distillation_loss(logits, wanted, teacher.temperature)
        return (1 - teacher.weight) * loss + teacher.weight * learned

    def judge(self, stop: StopFlag | None = None) -> EpochMetrics:
        """Ends the epoch: judges raw and averaged weights on the validation images and returns its row.

        Raises Diverged for weights that give no finite loss, and Stopped, with nothing changed, once ``stop`` is set.
        """
        started = time.perf_counter()
        raw = accuracy_of(
            self.network, self.validation_images, self.device, autocast=self.autocast, stop=stop
        )
        averaged = None
        if self.average is not None:
            averaged = accuracy_of(
                self.average.module, self.validation_images, self.device, autocast=self.autocast, stop=stop
            )
        trained = self.step_seconds
        self.seconds += trained + time.perf_counter() - started
        last = self.schedule.position(self.done - 1)
        factor = learning_rate_factor(last, self.schedule.total, self.recipe.warmup)
        row = EpochMetrics(
            epoch=self.epoch + 1,
            seconds=self.seconds,
            learning_rate=self.optimizer.param_groups[0]["initial_lr"] * factor,
            train_loss=self.mean_loss,
            validation_loss=raw.loss,
            accuracy=raw.accuracy,
            balanced_accuracy=raw.balanced_accuracy,
            average_loss=averaged and averaged.loss,
            average_accuracy=averaged and averaged.accuracy,
            average_balanced_accuracy=averaged and averaged.balanced_accuracy,
            images_per_second=self.step * self.recipe.batch_size / max(trained, 1e-9),
        )
        self.close_epoch(row)
        return row

    def close_epoch(self, row: EpochMetrics) -> None:
        """Ends the epoch with the figures that were judged."""
        self.rows.append(row)
        self.epoch, self.step, self.step_seconds = self.epoch + 1, 0, 0.0
        self._loss, self._order = torch.zeros_like(self._loss), None

    def weights(self, which: str) -> dict[str, Tensor]:
        """The ``raw`` weights or their ``average``, by name, auxiliary classifiers included."""
        if which == AVERAGE:
            assert self.average is not None
            return dict(self.average.module.state_dict())
        return dict(self.network.state_dict())

    def state(self) -> dict[str, Any]:
        """All that ``restore`` needs, as tensors, numbers, lists and dictionaries."""
        return {
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "loss": self._loss,
            "rows": as_records(self.rows),
            "ends": [list(end) for end in self.ends],
            "seconds": self.seconds,
            "step_seconds": self.step_seconds,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from what ``state`` gave. Raises KeyError, RuntimeError or ValueError for that of another training."""
        self.network.load_state_dict(state["network"], strict=True)
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.step = state["epoch"], state["step"]
        self._loss = state["loss"].to(self.device)
        self.rows = [EpochMetrics(**row) for row in state["rows"]]
        # A checkpoint of an earlier version has no moved ends.
        self.ends = [(int(step), int(total)) for step, total in state.get("ends", ())]
        self.schedule = Schedule.of(self.recipe.epochs * self.steps, self.ends)
        self.seconds, self.step_seconds = state["seconds"], state["step_seconds"]
        self._order = None

    def _generator(self, purpose: str, step: int) -> torch.Generator:
        """A generator for one purpose, seeded by (seed, epoch, step) alone."""
        digest = blake2b(f"{self.seed}:{purpose}:{self.epoch}:{step}".encode(), digest_size=8).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)
