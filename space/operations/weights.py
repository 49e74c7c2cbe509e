"""Convolutions and linear layers: the operations whose multiply-accumulates are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from space.errors import ShapeError
from space.operations.base import (
    INPUTS,
    ChannelOrder,
    Operation,
    Pair,
    Saved,
    Shape,
    Window,
    require_map,
    window_output,
)


@dataclass(frozen=True, slots=True)
class Conv2d(Operation):
    """2-D convolution with zero padding. ``kernel``, ``stride`` and ``padding`` are (height, width)."""

    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1
    bias: bool = False

    @property
    def depthwise(self) -> bool:
        """Whether every group holds one input channel (and there is more than one)."""
        return self.groups == self.in_channels and self.groups > 1

    def output_shape(self, x: Shape) -> Shape:
        require_map(x, self.in_channels)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ShapeError(
                f"groups={self.groups} does not divide {self.in_channels} -> {self.out_channels} channels"
            )
        return (self.out_channels, *window_output(x, self.kernel, self.stride, self.padding))

    @property
    def weights_per_output(self) -> int:
        """Weights behind one output number."""
        return self.in_channels // self.groups * self.kernel[0] * self.kernel[1]

    @property
    def params(self) -> int:
        return self.out_channels * (self.weights_per_output + self.bias)

    def macs(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return prod(shape) * self.weights_per_output

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 2 * self.macs(inputs, shape) + prod(shape) * self.bias

    def saved(self, shape: Shape) -> Saved:
        return INPUTS

    @property
    def channel_order(self) -> ChannelOrder:
        if self.groups == 1:
            return ChannelOrder.ABSORBED
        return ChannelOrder.FOLLOWED if self.depthwise else ChannelOrder.GROUPED

    @property
    def layer_kind(self) -> str:
        if self.depthwise:
            return "depthwise"
        if self.groups > 1:
            return "grouped"
        return "conv 1x1" if self.kernel == (1, 1) else "conv"

    @property
    def words(self) -> str:
        name = "depthwise" if self.depthwise else "conv"
        stride = f"/{self.stride[0]}" if self.stride[0] > 1 else ""
        grouped = self.groups > 1 and not self.depthwise
        text = f"{name} {self.kernel[0]}x{self.kernel[1]}{stride}"
        return f"{text} in {self.groups} groups" if grouped else text

    def window(self, before: Shape) -> Window:
        return Window(self.kernel, self.stride, self.padding)


@dataclass(frozen=True, slots=True)
class Linear(Operation):
    """Fully connected layer on a flat input."""

    in_features: int
    out_features: int
    bias: bool = True

    def output_shape(self, x: Shape) -> Shape:
        if x != (self.in_features,):
            raise ShapeError(f"needs {self.in_features} flat features, got shape {x}")
        return (self.out_features,)

    @property
    def params(self) -> int:
        return self.out_features * (self.in_features + self.bias)

    def macs(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return self.in_features * self.out_features

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 2 * self.macs(inputs, shape) + prod(shape) * self.bias

    def saved(self, shape: Shape) -> Saved:
        return INPUTS

    @property
    def layer_kind(self) -> str:
        return "linear"
