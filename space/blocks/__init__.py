"""The building blocks of convolutional networks, as frozen values; ``space.blocks.base`` says what a block is."""

from __future__ import annotations

from space.blocks.base import RESIDUAL, Block, ResidualLayer, StridedLayer, lower_chain, settings
from space.blocks.block_string import BlockString
from space.blocks.cell import CELL_OPERATIONS, Cell, CellReduction, cell_from_string
from space.blocks.convnext import ChannelNorm, ConvNeXt, ConvNeXtDownsample
from space.blocks.convolution import Conv
from space.blocks.dense import DenseDownsample, DenseLayer, Transition
from space.blocks.depthwise_separable import DepthwiseSeparable
from space.blocks.fused import FusedMBConv
from space.blocks.heads import Auxiliary, Dense, Drop
from space.blocks.inception import Inception, Parallel
from space.blocks.mobile import MBConv, expanded_channels
from space.blocks.plain import Activate, GlobalPool, LocalResponseNorm, NormAct, Pool
from space.blocks.residual import Basic, Bottleneck
from space.blocks.squeeze_excite import SqueezeExcite
from space.blocks.universal import UniversalBottleneck
from space.rounding import round_channels

BLOCKS: dict[str, type[Block]] = {
    cls.__name__: cls
    for cls in (
        Activate,
        Auxiliary,
        Basic,
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
}
"""Every block by its name, as the JSON of an architecture writes it."""

__all__ = [
    "BLOCKS",
    "CELL_OPERATIONS",
    "RESIDUAL",
    "Activate",
    "Auxiliary",
    "Basic",
    "Block",
    "BlockString",
    "Bottleneck",
    "Cell",
    "CellReduction",
    "ChannelNorm",
    "Conv",
    "ConvNeXt",
    "ConvNeXtDownsample",
    "Dense",
    "DenseDownsample",
    "DenseLayer",
    "DepthwiseSeparable",
    "Drop",
    "FusedMBConv",
    "GlobalPool",
    "Inception",
    "LocalResponseNorm",
    "MBConv",
    "NormAct",
    "Parallel",
    "Pool",
    "ResidualLayer",
    "SqueezeExcite",
    "StridedLayer",
    "Transition",
    "UniversalBottleneck",
    "cell_from_string",
    "expanded_channels",
    "lower_chain",
    "round_channels",
    "settings",
]
