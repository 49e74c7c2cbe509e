"""Stock networks for a comparison: known networks, as wide as the budgets allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from space.architecture import Architecture
from space.errors import BudgetError, InputError, ShapeError
from space.zoo import ZOO

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet
    from nascale.spec import SearchSpec
    from search.candidate_cache import CandidateCache

STOCK = "stock"
NAMES = ("resnet18", "mobilenet_v2", "efficientnet_b0", "mnasnet_a1", "mobilenet_v3_small", "mobilenet_v1")
_STEPS = 12


def stock_networks(
    spec: SearchSpec, images: ImageSet, cache: CandidateCache
) -> Sequence[tuple[str, Architecture]]:
    """(name, network) of the known networks that can be brought under the budgets by their width.

    Raises BudgetError where none can.
    """
    from space.cost import costs

    side = spec.resolution or images.resolution

    def at(name: str, width: float) -> Architecture | None:
        try:
            network = ZOO[name](
                width=width, resolution=side, classes=len(images.classes), in_channels=images.channels
            )
            known = {**costs(network).searched()}
        except (InputError, ShapeError):
            return None
        return None if cache.budgets.exceeded(known) or network.training_misfit else network

    found = []
    for name in NAMES:
        low, high, best = 0.02, 1.0, at(name, 1.0)
        if best is None:
            for _ in range(_STEPS):
                middle = (low + high) / 2
                network = at(name, middle)
                if network is None:
                    high = middle
                else:
                    low, best = middle, network
        if best is not None:
            found.append((name, best))
    if not found:
        raise BudgetError("max_macs: no stock network can be made so small")
    return found
