"""The fused inverted bottleneck of EfficientNetV2 and the EdgeTPU networks."""

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
from space.blocks.mobile import expanded_channels, groups_of
from space.blocks.squeeze_excite import SqueezeExcite, excite, squeeze_words
from space.graph import GraphBuilder
from space.operations import check_activation


@dataclass(frozen=True, slots=True)
class FusedMBConv(StridedLayer, ResidualLayer):
    """MBConv whose expansion and depthwise steps are one dense convolution (Tan & Le 2021).

    At expansion 1 the block is that convolution alone; ``always_expand`` keeps the projection behind it.
    ``group_size`` channels of its output form one group of the convolution, 0 means all of them. ``expand_from`` are
    the channels that the expansion multiplies in place of those that come in (EfficientNet-EdgeTPU's first block).
    """

    out_channels: int
    kernel: int = 3
    expansion: float = 4
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = True
    activation: str = "silu"
    drop_path: float = 0.0
    hidden_divisor: int = 1
    always_expand: bool = False
    group_size: int = 0
    expand_from: int | None = None

    widths = ("out_channels", "expand_from")
    block_type = "fused"
    string_kinds = ("er", "cn skip")

    def check(self) -> None:
        self._positive("out_channels", "stride", "hidden_divisor")
        self._odd_kernel()
        self._factor("expansion")
        self._want("group_size", self.group_size >= 0, "a number of channels, or 0 for one group")
        if self.expand_from is not None:
            self._positive("expand_from")
        self._rate("drop_path")
        check_activation("FusedMBConv.activation", self.activation)

    def _hidden(self, in_channels: int) -> int:
        return expanded_channels(self.expand_from or in_channels, self.expansion, self.hidden_divisor)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        hidden = self._hidden(in_channels)
        if hidden != in_channels or self.always_expand:
            x = g.conv_norm_act(
                x,
                hidden,
                self.kernel,
                stride=self.stride,
                groups=groups_of(hidden, self.group_size, "expand"),
                activation=self.activation,
                name="expand",
            )
            x = excite(g, x, self.squeeze_excite, in_channels)
            x = g.conv_norm_act(x, self.out_channels, activation=None, name="project")
        else:
            x = g.conv_norm_act(
                x,
                self.out_channels,
                self.kernel,
                stride=self.stride,
                groups=groups_of(in_channels, self.group_size, "conv"),
                activation=self.activation,
                name="conv",
            )
            x = excite(g, x, self.squeeze_excite, in_channels)
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = add_residual(g, shortcut, x, self.drop_path)
        return x

    @property
    def widens_by_input(self) -> bool:
        return self.group_size > 0

    def widened(self, scale: ChannelScale, inputs: tuple[int, int] | None) -> FusedMBConv:
        """Groups become larger where their number no longer divides the channels."""
        wide = StridedLayer.widened(self, scale, inputs)
        if self.group_size == 0 or inputs is None:
            return wide
        expanded = self.expansion != 1 or self.always_expand
        channels = wide._hidden(inputs[1]) if expanded else wide.out_channels
        common, most = gcd(inputs[1], channels), max(1, channels // self.group_size)
        return wide.changed(group_size=channels // max(g for g in range(1, most + 1) if common % g == 0))

    def words(self) -> tuple[str, ...]:
        skip = () if self.skip else ("no skip",)
        return (
            f"Fused MBConv {kernel_words(self.kernel)}",
            f"expand {self.expansion:g}×",
            *skip,
            *squeeze_words(self.squeeze_excite),
            *stride_words(self.stride),
        )

    @classmethod
    def from_string(cls, text: BlockString) -> FusedMBConv:
        if text.kind == "cn skip":
            return cls(
                text.out_channels,
                text.kernel,
                1,
                text.stride,
                activation=text.activation,
                group_size=text.group_size or 0,
            )
        return cls(
            **text.inverted_bottleneck(),
            always_expand=text.expansion == 1,
            group_size=text.group_size or 0,
            expand_from=text.expand_from or None,
        )

    def to_string(self, in_channels: int) -> BlockString:
        plain = self.expansion == 1 and not self.always_expand and self.skip and self.expand_from is None
        return BlockString(
            "cn" if plain else "er",
            self.out_channels,
            self.kernel,
            self.stride,
            self.expansion,
            self.squeeze_excite,
            True if plain else (None if self.skip else False),
            self.activation,
            self.hidden_divisor,
            group_size=self.group_size or None,
            expand_from=self.expand_from or 0,
        )
