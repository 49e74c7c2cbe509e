"""Densely connected blocks."""

from __future__ import annotations

from dataclasses import dataclass

from space.blocks.base import Block, stride_words
from space.graph import GraphBuilder, pair
from space.operations import Concat, Dropout, Pool2d, check_activation


@dataclass(frozen=True, slots=True)
class DenseLayer(Block):
    """One layer of a dense block (Huang et al. 2017): norm, act, 1×1 to ``bottleneck``·growth, norm, act, 3×3, concatenated to its input."""

    growth: int
    bottleneck: int = 4
    activation: str = "relu"
    dropout: float = 0.0

    widths = ("growth",)
    is_layer = True
    block_type = "dense"

    def check(self) -> None:
        self._positive("growth", "bottleneck")
        self._rate("dropout")
        check_activation("DenseLayer.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        y = x
        for name, channels, kernel in (
            ("conv1", self.bottleneck * self.growth, 1),
            ("conv2", self.growth, 3),
        ):
            with g.scope(name):
                y = g.activation(g.norm(y), self.activation)
                y = g.conv(y, channels, kernel)
        if self.dropout > 0:
            y = g.add(Dropout(self.dropout), y, name="dropout")
        return g.add(Concat(), x, y, name="concat")


@dataclass(frozen=True, slots=True)
class Transition(Block):
    """Between dense blocks: norm, act, 1×1 to ``compression`` of the channels, 2×2 average pooling."""

    compression: float = 0.5
    activation: str = "relu"

    widths = ()
    is_layer = False

    def check(self) -> None:
        self._want("compression", 0 < self.compression <= 1, "a share in (0, 1]")
        check_activation("Transition.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        x = g.activation(g.norm(x), self.activation)
        x = g.conv(x, max(1, int(g.channels(x) * self.compression)))
        return g.add(Pool2d("avg", (2, 2), (2, 2)), x, name="pool")


@dataclass(frozen=True, slots=True)
class DenseDownsample(Block):
    """In front of a dense block: norm, act, average pooling to ``1 / stride`` of the size, 1×1 to ``out_channels``.

    ``Transition`` pools behind its convolution. The two commute, and this order takes a quarter of the MACs. An odd size
    is rounded up, as strided convolutions round it.
    """

    out_channels: int
    stride: int = 2
    activation: str = "relu"

    widths = ("out_channels",)
    is_layer = False
    block_type = "dense"

    def check(self) -> None:
        self._positive("out_channels", "stride")
        check_activation("DenseDownsample.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        x = g.activation(g.norm(x), self.activation)
        if self.stride > 1:
            x = g.add(Pool2d("avg", pair(self.stride), pair(self.stride), ceil_mode=True), x, name="pool")
        return g.conv(x, self.out_channels)

    def words(self) -> tuple[str, ...]:
        return (f"Norm and conv to {self.out_channels}", *stride_words(self.stride))
