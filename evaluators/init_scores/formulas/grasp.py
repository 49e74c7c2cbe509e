"""GraSP: the effect of the weights on gradient flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore, weights_of

if TYPE_CHECKING:
    from evaluators.network import Network


def grasp(network: Network, batches: Sequence[Batch]) -> float:
    """−Σ θ · H ∂L/∂θ, with H the Hessian of the loss."""
    import torch
    import torch.nn.functional as F

    weights = weights_of(network)
    loss = F.cross_entropy(network(batches[0].x), batches[0].y)
    # A weight without effect has gradient zero.
    gradients = torch.autograd.grad(
        loss, weights, create_graph=True, allow_unused=True, materialize_grads=True
    )
    flow = sum(((g * g.detach()).sum() for g in gradients), start=loss.new_zeros(()))
    products = torch.autograd.grad(flow, weights, allow_unused=True, materialize_grads=True)
    return -float(sum((w.detach() * h).sum() for w, h in zip(weights, products, strict=True)))


GRASP = InitScore("grasp", "effect of the weights on gradient flow", "Wang et al. 2020, eq. 8", grasp)
