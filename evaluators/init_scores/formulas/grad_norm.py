"""The norm of the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore, backward, weights_of

if TYPE_CHECKING:
    from evaluators.network import Network


def grad_norm(network: Network, batches: Sequence[Batch]) -> float:
    """Sum over layers of the L2 norm of the loss gradient."""
    backward(network, batches[0])
    return float(sum(w.grad.norm() for w in weights_of(network) if w.grad is not None))


GRAD_NORM = InitScore(
    "grad_norm", "norm of the loss gradient, summed over layers", "Abdelfattah et al. 2021, §3.2", grad_norm
)
