"""Fisher information of the activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore, backward

if TYPE_CHECKING:
    from torch import Tensor, nn

    from evaluators.network import Network


def fisher(network: Network, batches: Sequence[Batch]) -> float:
    """Σ over channels of ½ (Σ activation · gradient)², averaged over images."""
    from torch import nn

    terms: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.ndim == 4:
            activation = output.detach()
            output.register_hook(  # type: ignore[no-untyped-call]
                lambda g: terms.append(0.5 * (g * activation).sum((2, 3)).pow(2).mean(0).sum())
            )

    layers = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.Conv2d)]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    backward(network, batches[0])
    for hook in hooks:
        hook.remove()
    return float(sum(terms))


FISHER = InitScore("fisher", "Fisher information of the channels", "Turner et al. 2020, eq. 4", fisher)
