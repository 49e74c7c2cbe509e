"""The average of a network's weights over the steps of its training, which often judges better than the last ones."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """The exponential moving average of a network's weights and of the statistics of its norms.

    After update t it is d·average + (1 − d)·network with d = min(``decay``, (1 + t) / (10 + t)): without that warm-up
    a short training would end on a mixture of its first, random weights. Running means and variances are averaged as
    the weights are; counters are copied. ``module`` is the averaged network, always in evaluation mode.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.module = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Moves the average towards the weights that ``network`` has now."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averages, current = [], []
        for average, now in zip(_tensors(self.module), _tensors(network), strict=True):
            if average.is_floating_point():
                averages.append(average)
                current.append(now.detach())
            else:
                average.copy_(now)
        torch._foreach_lerp_(averages, current, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` needs to go on: the number of updates and the averaged tensors by name."""
        return {"updates": self.updates, "weights": self.module.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` gave. Raises RuntimeError for the weights of another network."""
        self.module.load_state_dict(state["weights"], strict=True)
        self.updates = state["updates"]


def _tensors(network: nn.Module) -> Iterable[Tensor]:
    yield from network.parameters()
    yield from network.buffers()
