"""Training as the measurement: each candidate from scratch, for a few epochs, on the training split.

One evaluator holds images and recipe. A low fidelity (few epochs, a share of the images, small images, narrow
networks) makes it a cheap stand-in for a full training. A trial is a function of (recipe, data, seed, key):
weights, order of the images and augmentation are drawn from the candidate's own stream, so neither the worker nor
the order of trials changes an accuracy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch

from evaluators.device import (
    could_fit,
    free_bytes,
    limit_threads,
    make_deterministic,
    pick_device,
    total_bytes,
    wants_bfloat16,
)
from evaluators.evaluator import (
    Candidate,
    Diverged,
    Evaluator,
    FidelitySchedule,
    Measurement,
    NoRoom,
    OutOfMemory,
    StopFlag,
    Stopped,
)
from evaluators.images.augmentation import Augmentation
from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet
from evaluators.images.splits import training_subset
from evaluators.network import build
from evaluators.optimization import class_weights, make_optimizer, set_learning_rate, update
from evaluators.recipe import Recipe
from evaluators.trial_checkpoint import TrialCheckpoint
from evaluators.validation import Validation, check_finite, timed_accuracy, validated
from results.right_images import RIGHT, packed
from space.architecture import Architecture
from space.blocks import Conv, Dense, GlobalPool
from space.cost import costs
from space.errors import InputError
from space.scaling import scale

SCORES = ("accuracy", "loss", "train_loss")
_CHECK_EVERY = 50


@dataclass(frozen=True, eq=False)
class TrainEvaluator(Evaluator):
    """Trains a candidate on ``images`` by ``recipe``; yields its validation accuracy after every epoch.

    ``zero_last_norm`` starts residual branches at zero: on 8-pixel digits that, and the recipe's high learning
    rate, gave 0.966 mean accuracy after five epochs; 0.1 and ones gave 0.948. ``threads`` are those of a CPU
    (None: torch's own choice).

    ``score`` is what a comparison of proxies ranks by: the accuracy, or minus one of the losses. Losses are
    the finer measure: after few epochs networks differ by less accuracy than a small split can resolve.

    ``memory_bytes`` is what one trial may use; a candidate whose estimate exceeds it fails as out of memory
    without being built (None: what the device has). Every ``checkpoint_seconds`` a training leaves a checkpoint in the
    cache folder, from which it goes on when its trial is begun again (None: it begins at its start).

    ``order_by`` names the decision whose value seeds the order of the images and their augmentation, so that networks of which it is equal
    see the same batches and their differences are paired (None: the candidate's own stream).

    Raises InputError for settings that do not fit the images.
    """

    images: ImageSet = field()
    recipe: Recipe = field(default_factory=Recipe)
    _: KW_ONLY
    zero_last_norm: bool = True
    channels_last: bool = True
    threads: int | None = 1
    memory_bytes: int | None = None
    checkpoint_seconds: float | None = None
    score: str = "accuracy"
    order_by: str | None = None
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.score not in SCORES:
            raise InputError.of("score", f"one of {', '.join(SCORES)}", self.score)
        count = len(self.subset())
        if self.recipe.batch_size > count:
            wanted = f"at most the {count} training images of {self.images.name}"
            raise InputError.of("batch_size", wanted, self.recipe.batch_size)

    def with_recipe(self, **changes: Any) -> TrainEvaluator:
        """The evaluator with some settings of its recipe changed, checked anew."""
        return replace(self, recipe=self.recipe.replace(**changes), _cache={})

    def describe(self) -> dict[str, Any]:
        """Recipe and fidelity, and the data's name, checksum and split."""
        told = asdict(self.recipe)
        if (
            self.recipe.class_weights == "none"
        ):  # not told by earlier versions, whose supernets are kept by this
            del told["class_weights"]
        told["resolution"], told["width"] = told.pop("train_resolution"), told.pop("train_width")
        own: dict[str, Any] = {
            "zero_last_norm": self.zero_last_norm,
            "channels_last": self.channels_last,
        }
        if self.order_by is not None:
            own["order_by"] = self.order_by
        return {"evaluator": "train", **told, **own, "data": self.images.describe()}

    @property
    def fidelity(self) -> dict[str, Any]:
        """What a measurement cost: epochs, share of the images, resolution, width."""
        return {
            "epochs": self.recipe.epochs,
            "fraction": self.recipe.fraction,
            "resolution": self.recipe.train_resolution,
            "width": self.recipe.train_width,
        }

    @property
    def schedule(self) -> FidelitySchedule:
        """One measurement for each epoch of one training."""
        return FidelitySchedule(self.recipe.epochs)

    def subset(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The training images that are used, as indices into the set."""
        if "subset" not in self._cache:
            self._cache["subset"] = training_subset(self.images, self.recipe.fraction)
        subset: np.ndarray[Any, np.dtype[np.int64]] = self._cache["subset"]
        return subset

    def fitted(self, architecture: Architecture) -> Architecture:
        """The network that is really trained: ``architecture`` at the recipe's width and resolution.

        Raises InputError if the images' channels or classes are not the network's.
        """
        for name, wanted, came in (
            ("in_channels", self.images.channels, architecture.in_channels),
            ("classes", len(self.images.classes), architecture.classes),
        ):
            if wanted != came:
                raise InputError.of(f"architecture.{name}", f"the {wanted} of {self.images.name}", came)
        resolution, width = self.recipe.train_resolution, self.recipe.train_width
        if width == 1 and resolution in (None, architecture.resolution):
            return architecture
        if width == 1:
            return architecture.replace(resolution=resolution)
        return scale(architecture, width=width, resolution=resolution)

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """Trains the candidate; yields after each epoch. Raises Diverged, OutOfMemory, NoRoom or Stopped."""
        architecture = self.fitted(candidate.network("train"))
        device = pick_device(self.recipe.device)
        if device.type == "cuda":
            make_deterministic()
        self.check_memory(architecture, device)
        limit_threads(self.threads, device)
        try:
            yield from self._trained(candidate, architecture, device, stop)
        except torch.OutOfMemoryError as error:
            if could_fit(device, str(error)):
                raise NoRoom(f"{device} has no room: {error}") from None
            raise

    def probe(self) -> None:
        """One batch of a network that fits everywhere; what keeps it from that keeps every network from it."""
        images = self.images
        resolution = self.recipe.train_resolution or images.resolution
        least = Architecture(
            (Conv(8),), (), (GlobalPool(), Dense()), resolution, len(images.classes), images.channels
        )
        device = pick_device(self.recipe.device)
        Training(self, least, device, 0, StopFlag()).take_step(torch.arange(self.recipe.batch_size))

    def _trained(
        self, candidate: Candidate, architecture: Architecture, device: torch.device, stop: StopFlag
    ) -> Iterator[Measurement]:
        run = self.training(candidate, architecture, device, stop)
        checkpoint = self._checkpoint(candidate, device)
        kept = None if checkpoint is None else checkpoint.read()
        measured: list[Measurement] = []
        started = time.perf_counter()
        if kept is not None:
            run.restore(kept.training)
            measured, started = kept.measured, started - kept.seconds
            yield from measured

        def keep() -> None:
            if checkpoint is not None and checkpoint.is_due:
                checkpoint.write(run.state(), measured, time.perf_counter() - started)

        try:
            for epoch in range(len(measured) + 1, self.recipe.epochs + 1):
                measured.append(self._epoch(run, epoch, started, keep))
                yield measured[-1]
        except (Diverged, Stopped, GeneratorExit):
            if checkpoint is not None and not stop.goes_on:
                checkpoint.remove()
            raise
        if checkpoint is not None:
            checkpoint.remove()

    def training(
        self, candidate: Candidate, architecture: Architecture, device: torch.device, stop: StopFlag
    ) -> Training:
        """The training of a candidate, whose network is ``architecture``, before its first step."""
        order = None
        if self.order_by is not None:
            order = replace(candidate, key=f"{self.order_by} {candidate.decisions[self.order_by]}").stream
        return Training(self, architecture, device, candidate.stream, stop, order)

    def _checkpoint(self, candidate: Candidate, device: torch.device) -> TrialCheckpoint | None:
        if self.checkpoint_seconds is None:
            return None
        depends = {**self.describe(), "computes": (str(device), torch.__version__)}
        return TrialCheckpoint(candidate, depends, self.checkpoint_seconds)

    def _epoch(self, run: Training, epoch: int, started: float, keep: Callable[[], None]) -> Measurement:
        """One epoch of a training that was ``started`` at that time of ``perf_counter``, and how good it then is."""
        train_loss = run.train(epoch, keep)
        trained = time.perf_counter() - started
        validation = run.validate()
        found = validation.scores
        scores = {"accuracy": found.accuracy, "loss": -found.loss, "train_loss": -train_loss}
        extra = {
            "train_loss": train_loss,
            "score": scores[self.score],
            "balanced_accuracy": found.balanced_accuracy,
            "timed_accuracy": timed_accuracy(found.accuracy, run.image_seconds),
            "image_seconds": run.image_seconds,
            RIGHT: packed(validation.right),
            "images_per_second": epoch * run.steps * self.recipe.batch_size / max(trained, 1e-9),
            "device": str(run.device),
        }
        return Measurement(epoch, found.accuracy, found.loss, time.perf_counter() - started, extra)

    def check_memory(self, architecture: Architecture, device: torch.device) -> None:
        """Raises OutOfMemory if the training's estimate exceeds what one trial may use, or the device has.

        Raises NoRoom if the device has as much, but others use it.
        """
        batch = self.recipe.batch_size
        optimizer = "adam" if self.recipe.optimizer == "adamw" else "momentum"
        wanted = costs(architecture, batch=batch, optimizer=optimizer).training_bytes
        most = self.memory_bytes or total_bytes(device)
        free = self.memory_bytes or free_bytes(device)
        needs = f"training needs about {wanted / 2**20:,.0f} MiB at batch {batch}"
        if most is not None and wanted > most:
            raise OutOfMemory(f"{needs}, {most / 2**20:,.0f} MiB are there")
        if free is not None and wanted > free:
            raise NoRoom(f"{needs}, {free / 2**20:,.0f} MiB are free now")

    def split(self, name: str, resolution: int, device: torch.device) -> DeviceImages:
        """A split on the device, made once per process and resolution."""
        key = (name, resolution, str(device))
        if key not in self._cache:
            indices = self.subset() if name == "train" else self.images.splits[name]
            self._cache[key] = DeviceImages(
                self.images, indices, resolution, device, channels_last=self.channels_last
            )
        images: DeviceImages = self._cache[key]
        return images

    def augmentation(self, resolution: int) -> Augmentation:
        """The random changes of the training images, which have ``resolution`` pixels."""
        return Augmentation(self.recipe.shift(resolution), self.recipe.flip, self.recipe.cutout)

    def class_weights(self, device: torch.device) -> torch.Tensor | None:
        """The weight of each class in the loss (k), from the training images that are used; None for equal ones."""
        labels = self.images.labels[self.subset()]
        return class_weights(labels, len(self.images.classes), self.recipe, device)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}


class Training:
    """One training: network, optimiser, schedule and the splits it reads. Raises Stopped once ``stop`` is set."""

    def __init__(
        self,
        settings: TrainEvaluator,
        architecture: Architecture,
        device: torch.device,
        seed: int,
        stop: StopFlag,
        order_seed: int | None = None,
    ) -> None:
        torch.manual_seed(seed)  # dropout and stochastic depth draw from the global generator
        recipe = settings.recipe
        self.recipe, self.device, self.stop = recipe, device, stop
        self.generator = torch.Generator().manual_seed(seed if order_seed is None else order_seed)
        self.train_images = settings.split("train", architecture.resolution, device)
        self.validation_images = settings.split("validation", architecture.resolution, device)
        self.augment = settings.augmentation(architecture.resolution)
        self.class_weights = settings.class_weights(device)
        network = build(
            architecture,
            seed=seed,
            device=device,
            auxiliaries=True,
            zero_last_norm=settings.zero_last_norm,
        )
        if settings.channels_last:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network
        self.module: Any = torch.compile(network) if recipe.compile else network
        self.optimizer = make_optimizer(network.parameters(), recipe)
        self.autocast = wants_bfloat16(recipe.precision, device)
        self.steps = len(self.train_images) // recipe.batch_size
        self.total = self.steps * recipe.epochs
        self._step = 0
        self._order: torch.Tensor | None = None
        self._loss = torch.zeros((), device=device)
        # A CPU's clock is that of this thread, which other work on the machine does not change.
        self._clock = time.thread_time if device.type == "cpu" else time.perf_counter
        self._images, self._seconds = 0, 0.0

    @property
    def image_seconds(self) -> float:
        """What training on one image took: processor seconds on a CPU, else seconds; NaN before the first epoch."""
        return self._seconds / self._images if self._images else math.nan

    def train(self, epoch: int, after_step: Callable[[], None] = lambda: None) -> float:
        """One pass over the training images, or the rest of one that was restored; returns the mean loss.

        Raises Diverged.
        """
        recipe, size = self.recipe, self.recipe.batch_size
        counted = self._clock()
        self.module.train()
        if self._order is None:
            self._order = torch.randperm(len(self.train_images), generator=self.generator).to(self.device)
            self._step, self._loss = 0, torch.zeros((), device=self.device)
        while self._step < self.steps:
            self.stop.check()
            done = self._step
            set_learning_rate(self.optimizer, (epoch - 1) * self.steps + done, self.total, recipe.warmup)
            self._loss += self.take_step(self._order[done * size : (done + 1) * size])
            self._step += 1
            self._images += size
            counted = self._count(counted)
            if self._step % _CHECK_EVERY == 0:
                check_finite(float(self._loss), epoch)
            after_step()
        mean = float(self._loss) / self.steps
        check_finite(mean, epoch)
        self._order = None
        self._count(counted)
        return mean

    def _count(self, since: float) -> float:
        """Counts the time since then as that of images; the time now."""
        now = self._clock()
        self._seconds += now - since
        return now

    def state(self) -> dict[str, Any]:
        """All that ``restore`` needs between two steps of an epoch, as tensors, numbers and dictionaries."""
        on_gpu = self.device.type == "cuda"
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            # Dropout and stochastic depth draw from the global one.
            "random": torch.cuda.get_rng_state(self.device) if on_gpu else torch.get_rng_state(),
            "step": self._step,
            "order": self._order,
            "loss": self._loss,
            "images": self._images,
            "seconds": self._seconds,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from what ``state`` gave, to the same weights."""
        self.network.load_state_dict(state["network"], strict=True)
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random"], self.device)
        else:
            torch.set_rng_state(state["random"])
        self._step, self._loss = state["step"], state["loss"].to(self.device)
        self._order = None if state["order"] is None else state["order"].to(self.device)
        # Earlier versions did not keep them.
        self._images, self._seconds = state.get("images", 0), state.get("seconds", 0.0)

    def take_step(self, positions: torch.Tensor) -> torch.Tensor:
        """One step on the training images at ``positions`` (on the device); its loss, detached."""
        x, y = self.train_images.batch(positions.to(self.device))
        x = self.augment(x, self.generator)
        return update(self.module, self.optimizer, x, y, self.recipe, self.autocast, self.class_weights)

    def validate(self) -> Validation:
        """How well the network does on the validation split."""
        return validated(
            self.module, self.validation_images, self.device, autocast=self.autocast, stop=self.stop
        )
