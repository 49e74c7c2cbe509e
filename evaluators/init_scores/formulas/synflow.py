"""SynFlow: the sum over all paths of the products of their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore, weights_of

if TYPE_CHECKING:
    from evaluators.network import Network


def synflow(network: Network, batches: Sequence[Batch]) -> float:
    """log Σ θ · ∂R/∂θ with |θ|, inputs of one and no normalisation; the images are not looked at.

    As in Abdelfattah et al. 2021 normalisations are passed over, and the sum is taken in float64: with
    absolute weights a deep network's output overflows float32.
    """
    import torch
    from torch import nn

    network = network.double().eval()
    with torch.no_grad():
        for p in network.parameters():
            p.abs_()
        for m in network.modules():
            if isinstance(m, nn.BatchNorm2d):
                # In evaluation with these statistics the normalisation is the identity.
                m.running_mean = torch.zeros_like(m.bias)
                m.running_var = torch.full_like(m.bias, 1.0 - m.eps)
                m.weight.fill_(1.0)
                m.bias.zero_()
    network.zero_grad(set_to_none=True)
    network(torch.ones_like(batches[0].x[:1], dtype=torch.float64)).sum().backward()
    total = sum((w.detach() * w.grad).abs().sum() for w in weights_of(network) if w.grad is not None)
    return math.log(max(float(total), 1e-300))


SYNFLOW = InitScore(
    "synflow", "sum over paths of the products of absolute weights", "Tanaka et al. 2020, eq. 2", synflow
)
