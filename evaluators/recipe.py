"""The training recipe as a value: what is trained for how long, and how. Imports no torch.

``nascale search``, ``nascale scale search`` and whatever else trains share it, and its fields are their flags.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from space.errors import InputError
from space.setting import setting

OPTIMIZERS = ("sgd", "adamw")
CLASS_WEIGHTS = ("none", "balanced")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained, and at which fidelity.

    ``optimizer`` is SGD with Nesterov momentum or AdamW. The learning rate rises linearly over ``warmup`` of all
    steps and falls to zero along a cosine; None takes 0.2 (SGD) or 0.01 (AdamW) per 128 images of a batch. Norms
    and biases are not decayed. ``crop`` and ``cutout`` are in pixels of the training resolution; a ``crop`` of None is an
    eighth of it, as the 4 pixels of CIFAR's 32 (He et al. 2016, §4.2).
    ``clip`` bounds the gradient's norm (0: not). ``class_weights="balanced"`` gives each class the same share of the
    loss: n / (k · nᵢ) for nᵢ of n training images in one of k classes.

    Fidelity: ``epochs``; ``fraction`` of the training images, the same stratified ones for every network;
    ``train_resolution`` in pixels (None: the network's own); ``train_width`` multiplies the channels.

    Raises InputError naming the setting, what was wanted and what came.
    """

    epochs: int = setting(5, "int", "Epochs of each training.")
    batch_size: int = setting(
        64, "int", "Images in a batch.  [default: 64, or a quarter of the training images of a smaller set]"
    )
    optimizer: str = setting("sgd", "text", f"{' or '.join(OPTIMIZERS)}.")
    learning_rate: float | None = setting(
        None, "float", "Highest learning rate.  [default: by optimizer and batch size]"
    )
    weight_decay: float = setting(5e-4, "float", "Weight decay.")
    momentum: float = setting(0.9, "float", "Momentum (Nesterov) of sgd, first beta of adamw.")
    warmup: float = setting(0.15, "float", "Share of the steps over which the learning rate rises.")
    label_smoothing: float = setting(0.0, "float", "Label smoothing.")
    clip: float = setting(0.0, "float", "Largest norm of the gradient; 0 does not clip.")
    fraction: float = setting(1.0, "float", "Share of the training images that is used.")
    train_resolution: int | None = setting(
        None, "int", "Side to which images are resized for training.  [default: resolution]"
    )
    train_width: float = setting(1.0, "float", "Factor on the channels while training.")
    crop: int | None = setting(0, "int", "Random shifts, in pixels.")
    flip: bool = setting(False, "flag", "Random horizontal flips.")
    cutout: int = setting(0, "int", "Side of the square that is cut out, in pixels.")
    class_weights: str = setting(
        "none",
        "text",
        "Weights of the classes in the loss: none, or balanced (one over how often a class is seen).",
    )
    precision: str = setting("auto", "text", f"{', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}.")
    device: str = setting("auto", "text", "auto, cpu or cuda.")
    compile: bool = setting(False, "flag", "Compile each network with torch.compile.")

    def __post_init__(self) -> None:
        _check(self.optimizer in OPTIMIZERS, "optimizer", f"one of {', '.join(OPTIMIZERS)}", self.optimizer)
        _check(
            self.class_weights in CLASS_WEIGHTS,
            "class_weights",
            " or ".join(CLASS_WEIGHTS),
            self.class_weights,
        )
        _check(self.precision in PRECISIONS, "precision", f"one of {', '.join(PRECISIONS)}", self.precision)
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            _check(isinstance(value, int) and value > 0, name, "a positive whole number", value)
        _check(self.batch_size > 1, "batch_size", "2 or more (batch normalisation)", self.batch_size)
        for name in ("train_width", "momentum", "learning_rate"):
            value = getattr(self, name)
            _check(value is None or 0 < value < math.inf, name, "a positive number", value)
        _check(0 < self.fraction <= 1, "fraction", "a share in (0, 1]", self.fraction)
        _check(0 <= self.warmup < 1, "warmup", "a share of the steps in [0, 1)", self.warmup)
        _check(0 <= self.label_smoothing < 1, "label_smoothing", "a share in [0, 1)", self.label_smoothing)
        _check(0 <= self.weight_decay < math.inf, "weight_decay", "0 or more", self.weight_decay)
        _check(self.clip >= 0, "clip", "0 (off) or a largest gradient norm", self.clip)
        for name in ("crop", "cutout"):
            value = getattr(self, name)
            _check(value is None or value >= 0, name, "pixels, 0 or more", value)
        wanted = "pixels, a positive whole number"
        _check(
            self.train_resolution is None or self.train_resolution > 0,
            "train_resolution",
            wanted,
            self.train_resolution,
        )

    def shift(self, side: int) -> int:
        """The largest random shift of images of ``side`` pixels, in pixels."""
        return side // 8 if self.crop is None else self.crop

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some settings changed, checked anew."""
        return replace(self, **changes)


def _check(ok: bool, argument: str, wanted: str, came: object) -> None:
    if not ok:
        raise InputError.of(argument, wanted, came)
