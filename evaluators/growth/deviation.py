"""How far a grown network's outputs are from those of the one that it grew from, on images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet
from evaluators.network import Network, build
from evaluators.trained.run_folder import TrainedRun
from space.architecture import Architecture
from space.errors import ShapeError

IMAGES = 500
"""Validation images at most that outputs are compared on."""
_BATCH = 50
EXACT = 1e-5
"""The largest difference of logits, as a share of the largest logit where that is above 1, at which two functions count as the same."""


@dataclass(frozen=True)
class Deviation:
    """Logits and accuracies of a run and of a network that grew from it, on ``images`` validation images.

    ``difference`` is the largest between two logits at the run's resolution, ``logit`` the largest of the run's; accuracies
    are fractions: the run's, the grown network's there, and at its own resolution. None where the grown network cannot take images of
    the run's resolution.
    """

    images: int
    logit: float
    accuracy: float
    difference: float | None
    grown_accuracy: float | None
    own_accuracy: float

    @property
    def same(self) -> bool:
        """Whether both are the same function, but for rounding."""
        return self.difference is not None and self.difference <= EXACT * max(1.0, self.logit)


def deviation(run: TrainedRun, network: Network, larger: Architecture, images: ImageSet) -> Deviation:
    """Compares ``network`` of the architecture ``larger``, on the CPU, with the run on its validation images."""
    indices = images.validation[:IMAGES]
    device = torch.device("cpu")
    small = DeviceImages(images, indices, run.architecture.resolution, device)
    large = DeviceImages(images, indices, larger.resolution, device)
    before = _logits(run.network(device), small)
    own = _logits(network, large)
    there: Tensor | None = own
    if larger.resolution != run.architecture.resolution:
        there = _at(network, larger, small, run.architecture.resolution)
    labels = small.labels

    def accuracy(logits: Tensor) -> float:
        return float((logits.argmax(1) == labels).double().mean())

    return Deviation(
        images=len(indices),
        logit=float(before.abs().max()),
        accuracy=accuracy(before),
        difference=None if there is None else float((there - before).abs().max()),
        grown_accuracy=None if there is None else accuracy(there),
        own_accuracy=accuracy(own),
    )


def _at(network: Network, larger: Architecture, images: DeviceImages, resolution: int) -> Tensor | None:
    """The network's logits at another resolution; None where its weights do not fit there."""
    try:
        other = build(larger.replace(resolution=resolution))
    except ShapeError:
        return None
    weights = {name: tensor for name, tensor in network.state_dict().items() if name in other.state_dict()}
    if any(tensor.shape != weights[name].shape for name, tensor in other.state_dict().items()):
        return None
    other.load_state_dict(weights)
    return _logits(other, images)


def _logits(network: Network, images: DeviceImages) -> Tensor:
    mode = network.training
    network.eval()
    with torch.inference_mode():
        found = [network(images.slice(i, i + _BATCH)[0]) for i in range(0, len(images), _BATCH)]
    network.train(mode)
    return torch.cat(found)
