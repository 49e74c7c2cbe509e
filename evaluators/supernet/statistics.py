"""The statistics that normalisations need for a candidate: of training images, in the candidate's own network.

Statistics gathered while other networks were trained would be wrong for it (Guo et al. 2020, "Single Path One-Shot
Neural Architecture Search with Uniform Sampling", recalculate them too).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from evaluators.evaluator import StopFlag
from evaluators.images.device_images import DeviceImages
from evaluators.network import Network

_BATCH = 256


def estimate_statistics(
    network: Network,
    norms: Sequence[nn.BatchNorm2d],
    images: DeviceImages,
    count: int,
    stop: StopFlag | None = None,
) -> None:
    """Gives ``norms`` the mean statistics of ``count`` images, in batches; the same images for all networks.

    The network stays in evaluation mode: nothing is dropped. Raises Stopped once ``stop`` is set.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:count]
    batches = max(1, len(order) // _BATCH)
    sums: dict[nn.BatchNorm2d, tuple[Tensor, Tensor]] = {}

    def collect(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        variance, mean = torch.var_mean(inputs[0].float(), (0, 2, 3))
        sums[norm] = (sums[norm][0] + mean, sums[norm][1] + variance) if norm in sums else (mean, variance)

    hooks = [norm.register_forward_pre_hook(collect) for norm in norms]
    try:
        with torch.inference_mode():
            for positions in order.tensor_split(batches):
                if stop is not None:
                    stop.check()
                network(images.batch(positions.to(images.labels.device))[0])
    finally:
        for hook in hooks:
            hook.remove()
    for norm, (mean, variance) in sums.items():
        norm.running_mean, norm.running_var = mean / batches, variance / batches
