"""A network that begins with the function of a smaller, trained one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from evaluators.growth.norms import fit_norms
from evaluators.growth.weights import take_over
from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet
from evaluators.network import Network
from evaluators.trained.run_folder import TrainedRun
from space.architecture import Architecture
from space.growth import Growth, Note, growth
from space.growth.orders import Neutral
from space.operations import BatchNorm

_IMAGES = 512
"""Training images that new normalisations are fitted to."""


@dataclass(frozen=True)
class Grown:
    """How a network grew; ``notes`` say why its function is not quite that of the smaller one, where it is not."""

    plan: Growth
    notes: tuple[Note, ...]


def grow(
    network: Network,
    larger: Architecture,
    smaller: Architecture,
    weights: Mapping[str, Tensor],
    *,
    seed: int = 0,
    argument: str = "larger network",
) -> Grown:
    """Gives ``network``, a new one of the architecture ``larger``, the function of ``smaller`` with ``weights``.

    Raises InputError (``argument``) where the larger one is no relative, or smaller somewhere.
    """
    plan = growth(smaller, larger, seed=seed, argument=argument)
    missing = take_over(network, plan, weights, seed=seed)
    return Grown(plan, (*plan.notes, *missing))


def grow_from(
    network: Network,
    larger: Architecture,
    run: TrainedRun,
    images: ImageSet,
    *,
    seed: int = 0,
    argument: str = "larger network",
) -> Grown:
    """``grow`` from the kept weights of a run; new normalisations fit the training images.

    Raises InputError (``argument``) as ``grow`` does, and (RUN) for weights that cannot be read.
    """
    grown = grow(network, larger, run.architecture, run.weights(), seed=seed, argument=argument)
    new = [
        grown.plan.larger.nodes[index].path
        for index, order in grown.plan.orders.items()
        if isinstance(order, Neutral) and isinstance(grown.plan.larger.nodes[index].op, BatchNorm)
    ]
    if new:
        chosen = np.sort(np.random.default_rng(seed).permutation(images.train)[:_IMAGES])
        device = next(network.parameters()).device
        fit_norms(network, new, DeviceImages(images, chosen, larger.resolution, device))
    return grown
