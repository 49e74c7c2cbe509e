"""New normalisations that change nothing, in training either.

In evaluation a batch normalisation passes on what comes in where its statistics and its scale undo each other. In training
it uses the statistics of the batch. So its own are set to those of the images, and scale and shift to what undoes them (Chen et al.
2016, §2.4, of batch normalisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from evaluators.images.device_images import DeviceImages
from evaluators.network import Network

_BATCH = 64


def fit_norms(network: Network, paths: Sequence[str], images: DeviceImages) -> None:
    """Sets the batch normalisations at ``paths``, which pass on what comes in, to the statistics of ``images``.

    What the network computes in evaluation stays the same.
    """
    moments: dict[str, Tensor] = {}

    def look(path: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        found = torch.stack([torch.ones_like(x[0, :, 0, 0]), x.mean((0, 2, 3)), (x * x).mean((0, 2, 3))])
        moments[path] = moments.get(path, torch.zeros_like(found)) + len(x) * found

    handles: list[Any] = [
        network.get_submodule(path).register_forward_pre_hook(partial(look, path)) for path in paths
    ]
    mode = network.training
    network.eval()
    try:
        with torch.no_grad():
            for start in range(0, len(images), _BATCH):
                network(images.slice(start, start + _BATCH)[0])
    finally:
        network.train(mode)
        for handle in handles:
            handle.remove()
    for path, (count, first, second) in moments.items():
        norm = network.get_submodule(path)
        assert (
            isinstance(norm, nn.BatchNorm2d)
            and norm.running_mean is not None
            and norm.running_var is not None
        )
        mean = first / count
        variance = (second / count - mean * mean).clamp(min=0)
        with torch.no_grad():
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.bias.copy_(mean)
            norm.weight.copy_((variance + norm.eps).sqrt())
