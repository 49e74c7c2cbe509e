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
    the weights are; counters are copied. ``module`` is the averaged network, always in evaluation mode. The network keeps
    its tensors: they change, and are not replaced.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.module = copy.deepcopy(network).eval().requires_grad_(False)
        # To find the tensors takes longer than to average those of a small network.
        pairs = list(zip(_tensors(self.module), _tensors(network), strict=True))
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average towards the weights that the network has now."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averages, current = zip(*self._averaged, strict=True)
        torch._foreach_lerp_(averages, current, 1 - decay)
        for copied, now in self._copied:
            copied.copy_(now)

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
