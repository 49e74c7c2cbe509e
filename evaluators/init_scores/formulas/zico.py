"""ZiCo: gradients that are large and agree between batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore, backward, weights_of

if TYPE_CHECKING:
    from evaluators.network import Network


def zico(network: Network, batches: Sequence[Batch]) -> float:
    """Σ over layers of log Σ E|g| / σ(g), the expectation and the deviation taken across batches."""
    import torch

    first = [torch.zeros_like(w) for w in weights_of(network)]
    second = [torch.zeros_like(w) for w in weights_of(network)]
    for batch in batches:
        backward(network, batch)
        for i, w in enumerate(weights_of(network)):
            if w.grad is not None:
                first[i] += w.grad.abs()
                second[i] += w.grad.pow(2)
    total = 0.0
    for s, q in zip(first, second, strict=True):
        mean = s / len(batches)
        std = (q / len(batches) - mean.pow(2)).clamp_min(0).sqrt()
        value = float((mean[std > 0] / std[std > 0]).sum())
        total += math.log(value) if value > 0 else 0.0
    return total


ZICO = InitScore(
    "zico", "gradients that are large and agree between two batches", "Li et al. 2023, eq. 8", zico, batches=2
)
