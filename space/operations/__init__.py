"""The primitive operations that every network is lowered to; each declares its costs itself."""

from __future__ import annotations

from space.operations.base import (
    ChannelOrder,
    Operation,
    Pair,
    Saved,
    Shape,
    Window,
)
from space.operations.elementwise import (
    ACTIVATIONS,
    Activation,
    Add,
    Dropout,
    LayerScale,
    Scale,
    StochasticDepth,
    Zero,
    check_activation,
)
from space.operations.norms import BatchNorm, LayerNorm, LocalResponse
from space.operations.pools import AdaptiveAvgPool, Pool2d
from space.operations.shapes import Concat, Flatten, Input
from space.operations.weights import Conv2d, Linear

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AdaptiveAvgPool",
    "Add",
    "BatchNorm",
    "ChannelOrder",
    "Concat",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Input",
    "LayerNorm",
    "LayerScale",
    "Linear",
    "LocalResponse",
    "Operation",
    "Pair",
    "Pool2d",
    "Saved",
    "Scale",
    "Shape",
    "StochasticDepth",
    "Window",
    "Zero",
    "check_activation",
]
