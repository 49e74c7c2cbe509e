"""The residual blocks of ResNet, ResNeXt and their pre-activated and wide relatives."""

from __future__ import annotations

from dataclasses import dataclass

from space.blocks.base import (
    ChannelScale,
    ResidualLayer,
    StridedLayer,
    add_residual,
    kernel_words,
    stride_words,
)
from space.blocks.squeeze_excite import SqueezeExcite, excite, squeeze_words
from space.graph import GraphBuilder
from space.operations import check_activation


@dataclass(frozen=True, slots=True)
class Basic(StridedLayer, ResidualLayer):
    """Two 3×3 convolutions and a shortcut (He et al. 2016a); ``pre_activation`` as in He et al. 2016b."""

    out_channels: int
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    pre_activation: bool = False
    activation: str = "relu"
    drop_path: float = 0.0

    widths = ("out_channels",)
    block_type = "basic"

    def check(self) -> None:
        self._positive("out_channels", "stride")
        self._rate("drop_path")
        check_activation("Basic.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        convs = (("conv1", self.out_channels, 3, self.stride, 1), ("conv2", self.out_channels, 3, 1, 1))
        return _residual_block(g, x, self, convs)

    def words(self) -> tuple[str, ...]:
        return (
            "Basic 3×3",
            *(("pre-act",) if self.pre_activation else ()),
            *squeeze_words(self.squeeze_excite),
            *stride_words(self.stride),
        )


@dataclass(frozen=True, slots=True)
class Bottleneck(StridedLayer, ResidualLayer):
    """1×1 to ``width``, 3×3 (grouped as in ResNeXt, Xie et al. 2017), 1×1 to ``out_channels``, and a shortcut.

    The 3×3 carries the stride (ResNet "v1.5", the form that public implementations share).
    """

    out_channels: int
    width: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    squeeze_excite: SqueezeExcite | None = None
    pre_activation: bool = False
    activation: str = "relu"
    drop_path: float = 0.0

    widths = ("out_channels", "width")
    block_type = "bottleneck"

    def check(self) -> None:
        self._positive("out_channels", "width", "stride", "groups")
        self._odd_kernel()
        self._want("groups", self.width % self.groups == 0, f"a divisor of width {self.width}")
        self._rate("drop_path")
        check_activation("Bottleneck.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        convs = (
            ("conv1", self.width, 1, 1, 1),
            ("conv2", self.width, self.kernel, self.stride, self.groups),
            ("conv3", self.out_channels, 1, 1, 1),
        )
        return _residual_block(g, x, self, convs)

    def words(self) -> tuple[str, ...]:
        return (
            f"Bottleneck {kernel_words(self.kernel)}",
            f"width {self.width}",
            *((f"{self.groups} groups",) if self.groups > 1 else ()),
            *(("pre-act",) if self.pre_activation else ()),
            *squeeze_words(self.squeeze_excite),
            *stride_words(self.stride),
        )

    def width_groups(self, width: str) -> int:
        return self.groups if width == "width" and self.groups < self.width else 1

    def widened(self, scale: ChannelScale, inputs: tuple[int, int] | None) -> Bottleneck:
        """A depthwise 3×3 stays depthwise."""
        wide = StridedLayer.widened(self, scale, inputs)
        return wide.changed(groups=wide.width) if self.groups == self.width else wide


def _residual_block(
    g: GraphBuilder,
    x: int,
    block: Basic | Bottleneck,
    convs: tuple[tuple[str, int, int, int, int], ...],
) -> int:
    """A chain of convolutions (name, channels, kernel, stride, groups) beside a shortcut, post- or pre-activated."""
    in_channels, projected = g.channels(x), block.stride != 1 or g.channels(x) != block.out_channels
    shortcut = x
    if block.pre_activation:
        for index, (name, channels, kernel, stride, groups) in enumerate(convs):
            with g.scope(name):
                x = g.activation(g.norm(x), block.activation)
                if index == 0 and projected:
                    # He et al. 2016b: a projection reads the activated input, an identity the raw one.
                    shortcut = g.conv(x, block.out_channels, stride=block.stride, name="shortcut")
                x = g.conv(x, channels, kernel, stride=stride, groups=groups)
        x = excite(g, x, block.squeeze_excite, in_channels)
        return add_residual(g, shortcut, x, block.drop_path)
    for index, (name, channels, kernel, stride, groups) in enumerate(convs):
        last = index == len(convs) - 1
        x = g.conv_norm_act(
            x,
            channels,
            kernel,
            stride=stride,
            groups=groups,
            activation=None if last else block.activation,
            name=name,
        )
    x = excite(g, x, block.squeeze_excite, in_channels)
    if projected:
        shortcut = g.conv_norm_act(
            shortcut, block.out_channels, stride=block.stride, activation=None, name="shortcut"
        )
    return g.activation(add_residual(g, shortcut, x, block.drop_path), block.activation)
