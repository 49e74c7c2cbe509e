"""The inverted bottleneck of MobileNetV2, and what its relatives share with it."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from space.blocks.base import (
    ChannelScale,
    ResidualLayer,
    StridedLayer,
    add_residual,
    kernel_words,
    stride_words,
)
from space.blocks.block_string import BlockString
from space.blocks.squeeze_excite import SqueezeExcite, excite, squeeze_words
from space.errors import ShapeError
from space.graph import GraphBuilder
from space.operations import check_activation
from space.rounding import round_channels


def expanded_channels(in_channels: int, expansion: float, divisor: int) -> int:
    """Channels inside an inverted bottleneck: to the nearest whole number, or to ``divisor`` where it is not 1."""
    if divisor == 1:
        return max(1, round(in_channels * expansion))
    return round_channels(in_channels * expansion, divisor)


def groups_of(channels: int, group_size: int, layer: str) -> int:
    """The number of groups of ``group_size`` channels, where 0 means one group. Raises ShapeError naming ``layer``."""
    if group_size == 0:
        return 1
    if channels % group_size:
        raise ShapeError(f"layer {layer}: groups of {group_size} do not divide {channels} channels")
    return channels // group_size


@dataclass(frozen=True, slots=True)
class MBConv(StridedLayer, ResidualLayer):
    """Mobile inverted bottleneck (Sandler et al. 2018; with squeeze-excite, Tan & Le 2019).

    1×1 expansion to ``expansion`` times the input channels (absent at 1), depthwise ``kernel``,
    squeeze-excite, linear 1×1 projection; identity skip where stride is 1 and the channels stay.
    ``always_expand`` keeps the expansion at 1 too, as FBNet does. ``group_size`` channels form one group of the
    depthwise convolution, 0 means all of them.
    """

    out_channels: int
    kernel: int = 3
    expansion: float = 6
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = True
    activation: str = "relu6"
    drop_path: float = 0.0
    hidden_divisor: int = 1
    always_expand: bool = False
    group_size: int = 1

    widths = ("out_channels",)
    block_type = "mbconv"
    string_kinds = ("ds", "ir")

    def check(self) -> None:
        self._positive("out_channels", "stride", "hidden_divisor")
        self._odd_kernel()
        self._factor("expansion")
        self._want("group_size", self.group_size >= 0, "a number of channels, or 0 for one group")
        self._rate("drop_path")
        check_activation("MBConv.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        hidden = expanded_channels(in_channels, self.expansion, self.hidden_divisor)
        if hidden != in_channels or self.always_expand:
            x = g.conv_norm_act(x, hidden, activation=self.activation, name="expand")
        x = g.conv_norm_act(
            x,
            hidden,
            self.kernel,
            stride=self.stride,
            groups=groups_of(hidden, self.group_size, "depthwise"),
            activation=self.activation,
            name="depthwise",
        )
        x = excite(g, x, self.squeeze_excite, in_channels)
        x = g.conv_norm_act(x, self.out_channels, activation=None, name="project")
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = add_residual(g, shortcut, x, self.drop_path)
        return x

    @property
    def widens_by_input(self) -> bool:
        return self.group_size > 1

    def widened(self, scale: ChannelScale, inputs: tuple[int, int] | None) -> MBConv:
        """Groups become smaller where their size no longer divides the channels."""
        wide = StridedLayer.widened(self, scale, inputs)
        if self.group_size <= 1 or inputs is None:
            return wide
        hidden = expanded_channels(inputs[1], self.expansion, self.hidden_divisor)
        return wide.changed(group_size=gcd(self.group_size, hidden))

    def words(self) -> tuple[str, ...]:
        skip = () if self.skip else ("no skip",)
        return (
            f"MBConv {kernel_words(self.kernel)}",
            f"expand {self.expansion:g}×",
            *skip,
            *squeeze_words(self.squeeze_excite),
            *stride_words(self.stride),
        )

    @classmethod
    def from_string(cls, text: BlockString) -> MBConv:
        # timm's ir keeps an expansion of 1 as a convolution of its own, its ds has none.
        kept = text.kind == "ir" and text.expansion == 1
        size = 1 if text.group_size is None else text.group_size
        return cls(**text.inverted_bottleneck(), always_expand=kept, group_size=size)

    def to_string(self, in_channels: int) -> BlockString:
        return BlockString(
            "ds" if self.expansion == 1 and not self.always_expand else "ir",
            self.out_channels,
            self.kernel,
            self.stride,
            self.expansion,
            self.squeeze_excite,
            None if self.skip else False,
            self.activation,
            self.hidden_divisor,
            group_size=None if self.group_size == 1 else self.group_size,
        )
