"""Proxy training: each candidate from scratch, for a few epochs, on the training split.

One evaluator holds the recipe and the fidelity (epochs, share of the training images, resolution, width):
cheap stand-ins for a full training. A trial is a function of (recipe, data, seed, key): weights, order of the
images and augmentation are drawn from the candidate's own stream, so neither the worker nor the order of
trials changes an accuracy.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluators.evaluator import Candidate, Diverged, Measurement, OutOfMemory
from evaluators.images.image_set import ImageSet
from evaluators.images.splits import stratified
from space.architecture import Architecture
from space.cost import costs
from space.errors import InputError
from space.scaling import scale

if TYPE_CHECKING:
    import torch

    from evaluators.images.augmentation import Augmentation
    from evaluators.images.device_images import DeviceImages

OPTIMIZERS = ("sgd", "adamw")
PRECISIONS = ("auto", "float32", "bfloat16")
SCORES = ("accuracy", "loss", "train_loss")
_CHECK_EVERY = 50


@dataclass(frozen=True, eq=False)
class TrainEvaluator:
    """Trains a candidate on ``images`` and yields its validation accuracy after every epoch.

    Recipe: ``optimizer`` is SGD with Nesterov momentum or AdamW; the learning rate rises linearly over
    ``warmup`` of all steps and falls to zero along a cosine; ``learning_rate=None`` takes 0.2 (SGD) or
    0.01 (AdamW) per 128 images of a batch. Norms and biases are not decayed. ``zero_last_norm`` starts
    residual branches at zero: on 8-pixel digits that, and the high rate, gave 0.966 mean accuracy after
    five epochs where 0.1 and ones gave 0.948. ``crop``, ``flip`` and ``cutout`` are in pixels of the
    training resolution. ``clip`` bounds the gradient's norm (0: not).

    Fidelity: ``epochs``; ``fraction`` of the training images, the same stratified ones for every
    candidate; ``resolution`` in pixels (None: the architecture's own); ``width`` multiplies the channels.

    ``score`` is what a comparison of proxies ranks by: the accuracy, or minus one of the losses. Losses are
    the finer measure: after few epochs networks differ by less accuracy than a small split can resolve.

    ``memory_bytes`` is what one trial may use; a candidate estimated above it fails as out of memory
    without being built (None: what the device has free).
    """

    images: ImageSet
    epochs: int = 5
    batch_size: int = 64
    optimizer: str = "sgd"
    learning_rate: float | None = None
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.15
    label_smoothing: float = 0.0
    clip: float = 0.0
    crop: int = 0
    flip: bool = False
    cutout: int = 0
    zero_last_norm: bool = True
    fraction: float = 1.0
    resolution: int | None = None
    width: float = 1.0
    precision: str = "auto"
    channels_last: bool = True
    compile: bool = False
    device: str = "auto"
    threads: int | None = 1
    memory_bytes: int | None = None
    score: str = "accuracy"
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self.optimizer in OPTIMIZERS, "optimizer", f"one of {', '.join(OPTIMIZERS)}", self.optimizer)
        _check(self.precision in PRECISIONS, "precision", f"one of {', '.join(PRECISIONS)}", self.precision)
        _check(self.score in SCORES, "score", f"one of {', '.join(SCORES)}", self.score)
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            _check(isinstance(value, int) and value > 0, name, "a positive whole number", value)
        for name in ("width", "momentum", "learning_rate"):
            value = getattr(self, name)
            _check(value is None or value > 0, name, "a positive number", value)
        _check(0 < self.fraction <= 1, "fraction", "a share in (0, 1]", self.fraction)
        _check(0 <= self.warmup < 1, "warmup", "a share of the steps in [0, 1)", self.warmup)
        _check(0 <= self.label_smoothing < 1, "label_smoothing", "a share in [0, 1)", self.label_smoothing)
        _check(self.weight_decay >= 0, "weight_decay", "0 or more", self.weight_decay)
        _check(self.clip >= 0, "clip", "0 (off) or a largest gradient norm", self.clip)
        _check(self.resolution is None or self.resolution > 0, "resolution", "pixels", self.resolution)
        count = len(self.subset())
        wanted = f"at most the {count} training images of {self.images.name}"
        _check(self.batch_size <= count, "batch_size", wanted, self.batch_size)
        _check(self.batch_size > 1, "batch_size", "2 or more (batch normalisation)", self.batch_size)

    def replace(self, **changes: Any) -> TrainEvaluator:
        """A copy with some settings changed, checked anew."""
        return replace(self, **changes, _cache={})

    def describe(self) -> dict[str, Any]:
        """Recipe and fidelity, and the data's name, checksum and split."""
        skipped = {"images", "_cache", "threads", "memory_bytes", "score"}
        settings = {k: v for k, v in self.__dict__.items() if k not in skipped}
        return {"evaluator": "train", **settings, "data": self.images.describe()}

    @property
    def fidelity(self) -> dict[str, Any]:
        """What a measurement cost: epochs, share of the images, resolution, width."""
        return {
            "epochs": self.epochs,
            "fraction": self.fraction,
            "resolution": self.resolution,
            "width": self.width,
        }

    def subset(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The training images that are used, as indices into the set."""
        train = self.images.train
        if self.fraction >= 1:
            return train
        if "subset" not in self._cache:
            rng = np.random.default_rng(0)
            self._cache["subset"] = stratified(
                self.images.labels, train, self.fraction, rng, self.images.name
            )
        subset: np.ndarray[Any, np.dtype[np.int64]] = self._cache["subset"]
        return subset

    def fitted(self, architecture: Architecture) -> Architecture:
        """The network that is really trained: ``architecture`` at this evaluator's width and resolution.

        Raises InputError if the images' channels or classes are not the network's.
        """
        for name, wanted, came in (
            ("in_channels", self.images.channels, architecture.in_channels),
            ("classes", len(self.images.classes), architecture.classes),
        ):
            _check(wanted == came, f"architecture.{name}", f"the {wanted} of {self.images.name}", came)
        if self.width == 1 and self.resolution in (None, architecture.resolution):
            return architecture
        if self.width == 1:
            return architecture.replace(resolution=self.resolution)
        return scale(architecture, width=self.width, resolution=self.resolution)

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        """Trains the candidate; yields after each epoch. Raises Diverged or OutOfMemory."""
        import torch

        if candidate.architecture is None:
            raise InputError.of("candidate.architecture", "a network to train", None)
        architecture = self.fitted(candidate.architecture)
        device = pick_device(self.device)
        if device.type == "cuda":
            make_deterministic()
        self.check_memory(architecture, device)
        if self.threads is not None and device.type == "cpu":
            torch.set_num_threads(self.threads)
        run = Training(self, architecture, device, candidate.stream)
        started = time.perf_counter()
        for epoch in range(1, self.epochs + 1):
            train_loss = run.train(epoch)
            trained = time.perf_counter() - started
            accuracy, loss = run.validate()
            scores = {"accuracy": accuracy, "loss": -loss, "train_loss": -train_loss}
            extra = {
                "train_loss": train_loss,
                "score": scores[self.score],
                "images_per_second": epoch * run.steps * self.batch_size / max(trained, 1e-9),
                "device": str(device),
            }
            yield Measurement(epoch, accuracy, loss, time.perf_counter() - started, extra)

    def check_memory(self, architecture: Architecture, device: torch.device) -> None:
        """Raises OutOfMemory if the training's estimate exceeds what one trial may use."""
        optimizer = "adam" if self.optimizer == "adamw" else "momentum"
        wanted = costs(architecture, batch=self.batch_size, optimizer=optimizer).training_bytes
        limit = self.memory_bytes or free_bytes(device)
        if limit is not None and wanted > limit:
            raise OutOfMemory(
                f"training needs about {wanted / 2**20:,.0f} MiB at batch {self.batch_size}, "
                f"{limit / 2**20:,.0f} MiB are there"
            )

    def split(self, name: str, resolution: int, device: torch.device) -> DeviceImages:
        """A split on the device, made once per process and resolution."""
        from evaluators.images.device_images import DeviceImages

        key = (name, resolution, str(device))
        if key not in self._cache:
            indices = self.subset() if name == "train" else getattr(self.images, name)
            self._cache[key] = DeviceImages(
                self.images, indices, resolution, device, channels_last=self.channels_last
            )
        images: DeviceImages = self._cache[key]
        return images

    def augmentation(self) -> Augmentation:
        """The random changes of the training images."""
        from evaluators.images.augmentation import Augmentation

        return Augmentation(self.crop, self.flip, self.cutout)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}


class Training:
    """One training: network, optimiser, schedule and the splits it reads."""

    def __init__(
        self, settings: TrainEvaluator, architecture: Architecture, device: torch.device, seed: int
    ) -> None:
        import torch

        from evaluators.network import build

        torch.manual_seed(seed)  # dropout and stochastic depth draw from the global generator
        self.settings = settings
        self.device = device
        self.generator = torch.Generator().manual_seed(seed)
        self.train_images = settings.split("train", architecture.resolution, device)
        self.validation_images = settings.split("validation", architecture.resolution, device)
        self.augment = settings.augmentation()
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
        self.module: Any = torch.compile(network) if settings.compile else network
        self.optimizer = make_optimizer(network.parameters(), settings)
        self.autocast = wants_bfloat16(settings.precision, device)
        self.steps = len(self.train_images) // settings.batch_size
        self.total = self.steps * settings.epochs

    def train(self, epoch: int) -> float:
        """One pass over the training images; returns the mean loss. Raises Diverged."""
        import torch

        settings, size = self.settings, self.settings.batch_size
        self.module.train()
        order = torch.randperm(len(self.train_images), generator=self.generator).to(self.device)
        total = torch.zeros((), device=self.device)
        for step in range(self.steps):
            schedule(self.optimizer, (epoch - 1) * self.steps + step, self.total, settings.warmup)
            x, y = self.train_images.batch(order[step * size : (step + 1) * size])
            x = self.augment(x, self.generator)
            total += update(self.module, self.optimizer, x, y, settings, self.autocast)
            if step % _CHECK_EVERY == _CHECK_EVERY - 1:
                check_finite(float(total), epoch)
        mean = float(total) / self.steps
        check_finite(mean, epoch)
        return mean

    def validate(self) -> tuple[float, float]:
        """(accuracy in 0..1, mean loss in nats) on the validation split."""
        return accuracy_of(self.module, self.validation_images, self.device, self.autocast)


def update(
    module: Any,
    optimizer: torch.optim.Optimizer,
    x: torch.Tensor,
    y: torch.Tensor,
    settings: TrainEvaluator,
    autocast: bool,
) -> torch.Tensor:
    """One step of the optimiser on a batch; returns the loss, detached."""
    import torch

    from evaluators.network import loss_of

    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=autocast):
        loss = loss_of(module(x), y, settings.label_smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    if settings.clip:
        torch.nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
    optimizer.step()
    return loss.detach()


def schedule(optimizer: torch.optim.Optimizer, step: int, total: int, warmup: float) -> None:
    """Sets the learning rate of ``step`` of ``total``."""
    factor = learning_rate_factor(step, total, warmup)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor


def learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """Share of the full learning rate at ``step`` of ``total``: up over ``warmup`` of them, then a cosine to zero.

    Loshchilov & Hutter 2017, eq. 5, one period.
    """
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, total - rising)))


def make_optimizer(
    parameters: Iterable[torch.nn.Parameter], settings: TrainEvaluator
) -> torch.optim.Optimizer:
    """SGD or AdamW over two groups: weights, which decay, and norms and biases, which do not."""
    import torch

    parameters = list(parameters)
    decayed = [p for p in parameters if p.ndim > 1]
    plain = [p for p in parameters if p.ndim <= 1]
    base = settings.learning_rate
    if base is None:
        base = (0.2 if settings.optimizer == "sgd" else 0.01) * settings.batch_size / 128
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay, "initial_lr": base},
        {"params": plain, "weight_decay": 0.0, "initial_lr": base},
    ]
    groups = [g for g in groups if g["params"]]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=base, momentum=settings.momentum, nesterov=True, fused=True)
    return torch.optim.AdamW(groups, lr=base, betas=(settings.momentum, 0.999), fused=True)


def accuracy_of(
    module: Any, images: DeviceImages, device: torch.device, autocast: bool = False, batch: int = 512
) -> tuple[float, float]:
    """(accuracy in 0..1, mean cross-entropy in nats) of a network on a split. Raises Diverged on a NaN."""
    import torch
    import torch.nn.functional as F

    module.eval()
    right = torch.zeros((), dtype=torch.long, device=device)
    loss = torch.zeros((), device=device)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=autocast):
        for start in range(0, len(images), batch):
            x, y = images.slice(start, start + batch)
            logits = module(x).float()
            right += (logits.argmax(1) == y).sum()
            loss += F.cross_entropy(logits, y, reduction="sum")
    mean = float(loss) / len(images)
    if not math.isfinite(mean):
        raise Diverged(f"the validation loss became {mean}")
    return int(right) / len(images), mean


def pick_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one. Raises InputError for a device that is not there."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError.of("device", "auto, cpu or cuda", name) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError.of("device", "one that is here (this machine has no CUDA)", name)
    return device


def free_bytes(device: torch.device) -> int | None:
    """Memory that a trial could still take on the device; None where it cannot be told."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def wants_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether to run under bfloat16 autocast: on request, or by itself on GPUs that compute in it.

    Raises InputError for bfloat16 on a device that only emulates it (autocast was 6–10 times slower there).
    """
    import torch

    if device.type == "cuda":
        able = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        able = "avx512_bf16" in _cpu_flags() or "amx_bf16" in _cpu_flags() or "bf16" in _cpu_flags()
    if precision == "bfloat16" and not able:
        raise InputError.of("precision", "float32 (this device does not compute in bfloat16)", precision)
    return precision == "bfloat16" or (precision == "auto" and able and device.type == "cuda")


def _cpu_flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith(("flags", "Features")):
                    return frozenset(line.split(":", 1)[1].split())
    except OSError:
        pass
    return frozenset()


def make_deterministic() -> None:
    """The same accuracies again on a GPU, as far as its kernels allow."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def _check(ok: bool, argument: str, wanted: str, came: object) -> None:
    if not ok:
        raise InputError.of(argument, wanted, came)


def check_finite(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise Diverged(f"the training loss became {loss} in epoch {epoch}")
