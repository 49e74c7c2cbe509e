"""ConvNeXt."""

from __future__ import annotations

from functools import partial

from space.architecture import Stage
from space.blocks import ChannelNorm, Conv, ConvNeXt, ConvNeXtDownsample, Dense, GlobalPool
from space.zoo.network import Parts, ZooNetwork


def _convnext(depths: tuple[int, ...], channels: int) -> Parts:
    """Liu et al. 2022, §3: a stem of 4×4 patches, and stages that double the channels."""
    stages = [Stage((ConvNeXt(),) * depths[0])]
    for index, depth in enumerate(depths[1:], start=1):
        stages.append(Stage((ConvNeXtDownsample(channels * 2**index), *(ConvNeXt(),) * depth)))
    stem = (Conv(channels, 4, 4, norm=False, activation=None, padding=0), ChannelNorm())
    return Parts(stem, tuple(stages), (GlobalPool(), ChannelNorm(), Dense()))


NETWORKS = tuple(
    ZooNetwork(f"convnext_{name}", partial(_convnext, depths, channels), "Liu et al. 2022, arXiv:2201.03545")
    for name, depths, channels in (
        ("tiny", (3, 3, 9, 3), 96),
        ("small", (3, 3, 27, 3), 96),
        ("base", (3, 3, 27, 3), 128),
        ("large", (3, 3, 27, 3), 192),
    )
)
