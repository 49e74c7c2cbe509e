"""Networks that hold every block, small enough to be run in a test."""

from __future__ import annotations

from space.architecture import Architecture, Stage
from space.blocks import (
    Activate,
    Auxiliary,
    Basic,
    Block,
    Bottleneck,
    Cell,
    CellReduction,
    ChannelNorm,
    Conv,
    ConvNeXt,
    ConvNeXtDownsample,
    Dense,
    DenseDownsample,
    DenseLayer,
    DepthwiseSeparable,
    Drop,
    FusedMBConv,
    GlobalPool,
    Inception,
    LocalResponseNorm,
    MBConv,
    NormAct,
    Parallel,
    Pool,
    SqueezeExcite,
    Transition,
    UniversalBottleneck,
)

_SE = SqueezeExcite(0.25, of="gated", divisor=8, activation="silu", gate="hard_sigmoid")
_STEM = (Conv(8, 3, 2, activation="silu"),)
_HEAD = (GlobalPool(), Drop(0.2), Dense())


def network(
    *blocks: Block, stem: tuple[Block, ...] = _STEM, head: tuple[Block, ...] = _HEAD, **settings: int
) -> Architecture:
    """``blocks`` as one stage behind a stem, for images of 32 pixels and 5 classes."""
    return Architecture(stem, (Stage(blocks),), head, **{"resolution": 32, "classes": 5, **settings})


_HALVES = Parallel(((Conv(4, (1, 3)),), (Conv(4, (3, 1)),)))
NETWORKS = {
    "inverted bottlenecks": network(
        MBConv(8, 3, 1, squeeze_excite=_SE),
        MBConv(16, 5, 4, 2, _SE, drop_path=0.1),
        MBConv(16, 3, 2.5, hidden_divisor=8, drop_path=0.2, activation="hard_swish"),
        MBConv(16, 3, 4, skip=False, group_size=8),
        DepthwiseSeparable(16),
        DepthwiseSeparable(24, 5, 2, _SE),
        SqueezeExcite(),
    ),
    "fused and universal": network(
        FusedMBConv(8, 3, 1),
        FusedMBConv(16, 3, 4, 2),
        FusedMBConv(16, 3, 4, group_size=16),
        FusedMBConv(16, 3, 2, squeeze_excite=SqueezeExcite(), drop_path=0.1, expand_from=8),
        UniversalBottleneck(16, 5, 3, 0),
        UniversalBottleneck(16, 0, 0, 0, 2),
        UniversalBottleneck(24, 3, 5, 3, 4, 2),
    ),
    "residual": network(
        Basic(8),
        Basic(16, 2, _SE),
        Bottleneck(16, 4, groups=2),
        Bottleneck(32, 8, stride=2, drop_path=0.1),
        Bottleneck(32, 8, pre_activation=True),
        Bottleneck(40, 8, pre_activation=True, squeeze_excite=SqueezeExcite()),
        Basic(40, pre_activation=True, activation="tanh"),
        NormAct(),
    ),
    "branches": network(
        Inception(4, 6, 8, 2, 4, 4),
        Inception(8, 6, 12, 2, 4, 4, wide_kernel=3),
        Auxiliary((GlobalPool(), Dense())),
        Pool("max", 3, 2, padding=0, ceil_mode=True),
        Parallel(((Conv(8, 1),), (Conv(4, 1), _HALVES), (Pool("avg", 3, 1), Conv(6, 1)))),
        Parallel(((Conv(8, 1),), (Conv(4, 1), _HALVES), (Pool("avg", 3, 1), Conv(10, 1)))),
        Parallel(((), (Pool("avg", 3, 1), DenseLayer(4), MBConv(8)), (Pool("max", 3, 1),))),
        Parallel(((Conv(4, 1), Conv(8)), (Pool("max", 3, 1),))),
        Parallel(((), (Pool("max", 3, 1),))),
        Parallel(((Conv(8, 3, 2, padding=0),), (Pool("max", 3, 2, padding=0),))),
    ),
    "cells": network(
        Cell(("nor_conv_3x3", "avg_pool_3x3", "skip_connect", "none", "nor_conv_1x1", "nor_conv_3x3")),
        CellReduction(12),
        Cell(("nor_conv_3x3", "none", "none", "none", "none", "none")),
        CellReduction(16),
        Cell(("none", "none", "nor_conv_1x1", "skip_connect", "nor_conv_3x3", "nor_conv_1x1")),
        Cell(
            ("nor_conv_1x1", "nor_conv_1x1", "nor_conv_1x1", "nor_conv_1x1", "nor_conv_1x1", "nor_conv_1x1")
        ),
        stem=(Conv(8, activation=None),),
        head=(NormAct(), *_HEAD),
    ),
    "without normalisation": network(
        Inception(4, 6, 8, 2, 4, 4, norm=False),
        Conv(16, 3, groups=2, norm=False),
        Conv(16, 3, norm=False, activation=None, bias=False),
        Activate("gelu"),
        stem=(Conv(8, 5, 2, norm=False), LocalResponseNorm(), Pool()),
        head=(GlobalPool(2), Dense(12, "relu6"), Drop(0.5), Dense()),
    ),
    "dense": network(
        *(DenseLayer(4),) * 4,
        Transition(),
        DenseLayer(4, dropout=0.2),
        DenseLayer(8, 2, "silu"),
        DenseDownsample(12),
        DenseDownsample(8, 1, "silu"),
        head=(NormAct(), *_HEAD),
        in_channels=1,
    ),
    "convnext": network(
        ConvNeXt(5, layer_scale=0.1, drop_path=0.1),
        ConvNeXt(5, layer_scale=0.1),
        ConvNeXtDownsample(12),
        ConvNeXt(7, 2, layer_scale=0),
        stem=(Conv(8, 4, 4, norm=False, activation=None, padding=0), ChannelNorm()),
        head=(GlobalPool(), ChannelNorm(), Dense()),
    ),
}
