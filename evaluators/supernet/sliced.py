"""Layers that use the first channels of larger weights, and where such weights stand in a network.

Yu et al. 2019, "Slimmable Neural Networks": a narrow layer uses the first channels of the widest one.
"""

from __future__ import annotations

import dataclasses

import torch.nn.functional as F
from torch import Tensor, nn

from evaluators.network import Layers
from space.operations import BatchNorm, Conv2d, Linear

Size = tuple[int, ...]
"""(channels out, channels in), or (channels,) of a normalisation."""

Weighted = Conv2d | BatchNorm | Linear
"""The operations that have weights."""


class SlicedConv2d(nn.Conv2d):
    """A convolution that uses the first channels of a larger one's weights."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight[: self.out_channels, : self.in_channels // self.groups]
        bias = None if self.bias is None else self.bias[: self.out_channels]
        return F.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class SlicedBatchNorm2d(nn.BatchNorm2d):
    """A normalisation that uses the first scales and shifts of a larger one.

    It has no running statistics until it is given some, and normalises by those of the batch until then.
    """

    def __init__(self, channels: int, eps: float, momentum: float) -> None:
        super().__init__(channels, eps, momentum, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = self.weight[: self.num_features], self.bias[: self.num_features]
        batch = self.training or self.running_mean is None
        return F.batch_norm(x, self.running_mean, self.running_var, scale, shift, batch, 0.0, self.eps)


class SlicedLinear(nn.Linear):
    """A fully connected layer that uses the first features of a larger one's weights."""

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias[: self.out_features]
        return F.linear(x, self.weight[: self.out_features, : self.in_features], bias)


SLICED = Layers(SlicedConv2d, SlicedBatchNorm2d, SlicedLinear)


def resized(op: Weighted, size: Size) -> Weighted:
    """The operation with other numbers of channels (see ``size_of``)."""
    match op:
        case Conv2d():
            groups = size[1] if op.depthwise else op.groups
            return dataclasses.replace(op, out_channels=size[0], in_channels=size[1], groups=groups)
        case BatchNorm():
            return dataclasses.replace(op, channels=size[0])
        case Linear():
            return dataclasses.replace(op, out_features=size[0], in_features=size[1])


def size_of(op: Weighted) -> Size:
    """(channels out, channels in), or (channels,) of a normalisation."""
    match op:
        case Conv2d():
            return op.out_channels, op.in_channels
        case BatchNorm():
            return (op.channels,)
        case Linear():
            return op.out_features, op.in_features


def place_of(path: str, op: Weighted, zero: bool = False) -> str:
    """The name of a place: the path of an operation and its type, without its numbers of channels.

    ``zero`` marks a normalisation that starts at zero: it shares no weights with one that starts at one. Files of trained
    weights hold these names.
    """
    match op:
        case Conv2d():
            groups = "depthwise" if op.depthwise else op.groups
            name = f"{path} {op.kernel[0]}x{op.kernel[1]} {groups}{' bias' if op.bias else ''}"
        case BatchNorm():
            name = f"{path} norm"
        case Linear():
            name = f"{path} linear{' bias' if op.bias else ''}"
    return f"{name} zero" if zero else name
