"""NASWOT: how differently the network's rectifiers respond to different images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore

if TYPE_CHECKING:
    from torch import Tensor, nn

    from evaluators.network import Network


def naswot(network: Network, batches: Sequence[Batch]) -> float:
    """log |det K|; K counts on how many rectifiers two images agree. −∞ for a network without rectifiers."""
    import torch
    from torch import nn

    rectifiers = nn.ReLU | nn.ReLU6 | nn.SiLU | nn.Hardswish | nn.GELU
    kernel: list[Tensor] = []

    def collect(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        code = (inputs[0].flatten(1) > 0).float()
        agreement = code @ code.T + (1 - code) @ (1 - code).T
        kernel.append(agreement.double())

    hooks = [m.register_forward_pre_hook(collect) for m in network.modules() if isinstance(m, rectifiers)]
    with torch.no_grad():
        network(batches[0].x)
    for hook in hooks:
        hook.remove()
    if not kernel:
        return -math.inf
    _, value = torch.linalg.slogdet(torch.stack(kernel).sum(0).cpu())
    return float(value)


NASWOT = InitScore(
    "naswot", "variety of the activation patterns of different images", "Mellor et al. 2021, eq. 2", naswot
)
