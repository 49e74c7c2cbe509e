"""What a score at initialisation is, and what several formulas have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from evaluators.network import Network


@dataclass(frozen=True)
class Batch:
    """Images (n, channels, height, width) and labels (n,) on the network's device."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class InitScore:
    """A score at initialisation.

    ``help`` says in a line what it measures, ``source`` names the paper and the equation. ``formula`` takes the network
    in training mode and ``batches`` batches; it may change the network, which is not used again.
    """

    name: str
    help: str
    source: str
    formula: Callable[[Network, Sequence[Batch]], float]
    batches: int = 1


def weights_of(network: Network) -> list[Tensor]:
    """The weights of the convolutions and linear layers, in order; biases and normalisations are left out."""
    from torch import nn

    return [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def backward(network: Network, batch: Batch) -> None:
    """Leaves the gradients of the cross-entropy on ``batch`` in the network's parameters."""
    import torch
    import torch.nn.functional as F

    network.zero_grad(set_to_none=True)
    torch.autograd.backward(F.cross_entropy(network(batch.x), batch.y))
