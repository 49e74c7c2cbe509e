"""SNIP: how much the loss depends on each weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore, backward, weights_of

if TYPE_CHECKING:
    from evaluators.network import Network


def snip(network: Network, batches: Sequence[Batch]) -> float:
    """Σ |θ · ∂L/∂θ|, summed over the network."""
    backward(network, batches[0])
    return float(sum((w.detach() * w.grad).abs().sum() for w in weights_of(network) if w.grad is not None))


SNIP = InitScore("snip", "weights times gradients, absolute", "Lee et al. 2019, eq. 4", snip)
