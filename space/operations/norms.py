"""Normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from space.operations.base import ChannelOrder, Operation, Saved, Shape, require_map
from space.operations.weights import Conv2d


@dataclass(frozen=True, slots=True)
class BatchNorm(Operation):
    """Batch normalisation over channels, with scale and shift (Ioffe & Szegedy 2015)."""

    channels: int
    eps: float = 1e-5
    momentum: float = 0.1

    def output_shape(self, x: Shape) -> Shape:
        require_map(x, self.channels)
        return x

    @property
    def params(self) -> int:
        return 2 * self.channels

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 2 * prod(shape)

    def saved(self, shape: Shape) -> Saved:
        # The batch's mean and inverse deviation.
        return Saved(inputs=True, statistics=2 * self.channels)

    def fuses_behind(self, before: Operation) -> bool:
        return isinstance(before, Conv2d)

    @property
    def layer_kind(self) -> str:
        return "norm"

    @property
    def words(self) -> str:
        return "norm"


@dataclass(frozen=True, slots=True)
class LayerNorm(Operation):
    """Layer normalisation over the channels of each pixel, with scale and shift (Ba et al. 2016; Liu et al. 2022)."""

    channels: int
    eps: float = 1e-6

    def output_shape(self, x: Shape) -> Shape:
        require_map(x, self.channels)
        return x

    @property
    def params(self) -> int:
        return 2 * self.channels

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        # Sum, centre, square, sum, normalise, scale, shift; the few operations per pixel are left out.
        return 7 * prod(shape)

    def saved(self, shape: Shape) -> Saved:
        # Mean and inverse deviation of each pixel.
        return Saved(inputs=True, numbers=2 * prod(shape[1:]))

    @property
    def layer_kind(self) -> str:
        return "norm"

    @property
    def words(self) -> str:
        return "layer norm"


@dataclass(frozen=True, slots=True)
class LocalResponse(Operation):
    """Local response normalisation across channels: x / (k + α/size · Σ x²)^β.

    Krizhevsky et al. 2012, §3.3, wrote α without the division by the window's size; theirs is
    ``alpha = 1e-4 · size`` here, where α follows PyTorch's convention.
    """

    size: int = 5
    alpha: float = 5e-4
    beta: float = 0.75
    k: float = 2.0

    def output_shape(self, x: Shape) -> Shape:
        require_map(x)
        return x

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return (self.size + 4) * prod(shape)

    def saved(self, shape: Shape) -> Saved:
        # The padded squares, the base of the power and the power.
        channels, height, width = shape
        return Saved(inputs=True, numbers=(3 * channels + self.size - 1) * height * width)

    @property
    def channel_order(self) -> ChannelOrder:
        return ChannelOrder.SEEN

    @property
    def layer_kind(self) -> str:
        return "norm"

    @property
    def words(self) -> str:
        return "local response"
