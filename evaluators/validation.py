"""How well a network does on a split of the images: which of them it has right, and what that makes of it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from evaluators.evaluator import Diverged, StopFlag
from evaluators.images.device_images import DeviceImages

ELASTICITY = 0.1
"""By which power of the epochs the error of a long training falls. Losses fell with 0.07, 0.10 and 0.18 on three image sets
(docs/auto-figures.md: 20 to 100, 40 to 150 and 15 to 60 epochs)."""
USUAL_IMAGE_SECONDS = 1e-3


class Scores(NamedTuple):
    """Accuracy in 0..1, mean cross-entropy in nats, and the mean accuracy of the classes that have images, in 0..1."""

    accuracy: float
    loss: float
    balanced_accuracy: float


class Validation(NamedTuple):
    """Which images of a split a network has right, in order; their labels; and the mean cross-entropy in nats."""

    right: NDArray[np.bool_]
    labels: NDArray[np.int64]
    loss: float

    @property
    def scores(self) -> Scores:
        """What that makes of the network."""
        counts = np.bincount(self.labels)
        shares = np.bincount(self.labels, self.right)[counts > 0] / counts[counts > 0]
        return Scores(int(self.right.sum()) / len(self.right), self.loss, float(shares.mean()))


def timed_accuracy(accuracy: float, image_seconds: float) -> float:
    """The accuracy that is to be expected where networks are trained for equal time, and not for equal epochs.

    A network whose training takes ``image_seconds`` for an image has 1 ms / image_seconds times the epochs of one that takes
    1 ms, and its error falls with the power ``ELASTICITY`` of the epochs.
    """
    return 1 - (1 - accuracy) * math.pow(image_seconds / USUAL_IMAGE_SECONDS, ELASTICITY)


def accuracy_of(
    module: Any,
    images: DeviceImages,
    device: torch.device,
    *,
    autocast: bool = False,
    batch: int = 512,
    stop: StopFlag | None = None,
) -> Scores:
    """How well a network does on a split; raises what ``validated`` does."""
    return validated(module, images, device, autocast=autocast, batch=batch, stop=stop).scores


def validated(
    module: Any,
    images: DeviceImages,
    device: torch.device,
    *,
    autocast: bool = False,
    batch: int = 512,
    stop: StopFlag | None = None,
) -> Validation:
    """A network's answers on a split.

    Raises Diverged on a NaN, and Stopped once ``stop`` is set.
    """
    module.eval()
    right = []
    loss = torch.zeros((), device=device)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=autocast):
        for start in range(0, len(images), batch):
            if stop is not None:
                stop.check()
            x, y = images.slice(start, start + batch)
            logits = module(x).float()
            right.append(logits.argmax(1) == y)
            loss += F.cross_entropy(logits, y, reduction="sum")
    mean = float(loss) / len(images)
    if not math.isfinite(mean):
        raise Diverged(f"the validation loss became {mean}")
    return Validation(torch.cat(right).cpu().numpy(), images.labels.cpu().numpy(), mean)


def check_finite(loss: float, epoch: int) -> None:
    """Raises Diverged unless the training loss is a finite number."""
    if not math.isfinite(loss):
        raise Diverged(f"the training loss became {loss} in epoch {epoch}")
