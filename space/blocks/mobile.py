"""The mobile blocks: depthwise separable convolutions and inverted bottlenecks."""

from __future__ import annotations

from dataclasses import dataclass

from space.blocks.base import ResidualLayer, StridedLayer, add_residual, kernel_words, stride_words
from space.blocks.block_string import BlockString
from space.blocks.squeeze_excite import SqueezeExcite, excite, squeeze_words
from space.graph import GraphBuilder
from space.operations import check_activation
from space.rounding import round_channels


def expanded_channels(in_channels: int, expansion: float, divisor: int) -> int:
    """Channels inside an inverted bottleneck: to the nearest whole number, or to ``divisor`` where it is not 1."""
    if divisor == 1:
        return max(1, round(in_channels * expansion))
    return round_channels(in_channels * expansion, divisor)


@dataclass(frozen=True, slots=True)
class MBConv(StridedLayer, ResidualLayer):
    """Mobile inverted bottleneck (Sandler et al. 2018; with squeeze-excite, Tan & Le 2019).

    1×1 expansion to ``expansion`` times the input channels (absent at 1), depthwise ``kernel``,
    squeeze-excite, linear 1×1 projection; identity skip where stride is 1 and the channels stay.
    ``always_expand`` keeps the expansion at 1 too, as FBNet does.
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

    widths = ("out_channels",)
    block_type = "mbconv"
    string_kinds = ("ds", "ir")

    def check(self) -> None:
        self._positive("out_channels", "stride", "hidden_divisor")
        self._odd_kernel()
        self._want("expansion", self.expansion > 0, "a positive factor")
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
            groups=hidden,
            activation=self.activation,
            name="depthwise",
        )
        x = excite(g, x, self.squeeze_excite, in_channels)
        x = g.conv_norm_act(x, self.out_channels, activation=None, name="project")
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = add_residual(g, shortcut, x, self.drop_path)
        return x

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
        return cls(**text.inverted_bottleneck(), always_expand=kept)

    def to_string(self) -> BlockString:
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
        )


@dataclass(frozen=True, slots=True)
class FusedMBConv(StridedLayer, ResidualLayer):
    """MBConv whose expansion and depthwise steps are one dense convolution (Tan & Le 2021).

    At expansion 1 the block is that convolution alone; ``always_expand`` keeps the projection behind it.
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

    widths = ("out_channels",)
    block_type = "mbconv"
    string_kinds = ("er", "cn skip")

    def check(self) -> None:
        self._positive("out_channels", "stride", "hidden_divisor")
        self._odd_kernel()
        self._want("expansion", self.expansion > 0, "a positive factor")
        self._rate("drop_path")
        check_activation("FusedMBConv.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        hidden = expanded_channels(in_channels, self.expansion, self.hidden_divisor)
        if hidden != in_channels or self.always_expand:
            x = g.conv_norm_act(
                x, hidden, self.kernel, stride=self.stride, activation=self.activation, name="expand"
            )
            x = excite(g, x, self.squeeze_excite, in_channels)
            x = g.conv_norm_act(x, self.out_channels, activation=None, name="project")
        else:
            x = g.conv_norm_act(
                x, self.out_channels, self.kernel, stride=self.stride, activation=self.activation, name="conv"
            )
            x = excite(g, x, self.squeeze_excite, in_channels)
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = add_residual(g, shortcut, x, self.drop_path)
        return x

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
            return cls(text.out_channels, text.kernel, 1, text.stride, activation=text.activation)
        return cls(**text.inverted_bottleneck(), always_expand=text.expansion == 1)

    def to_string(self) -> BlockString:
        plain = self.expansion == 1 and not self.always_expand and self.skip
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
        )


@dataclass(frozen=True, slots=True)
class DepthwiseSeparable(StridedLayer, ResidualLayer):
    """Depthwise then 1×1 convolution, each normalised; MobileNetV1 (Howard et al. 2017) activates both.

    ``project_activation=None`` leaves the projection linear, and ``skip`` adds the identity, which
    together are MBConv at expansion 1.
    """

    out_channels: int
    kernel: int = 3
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = False
    activation: str = "relu"
    project_activation: str | None = "relu"
    drop_path: float = 0.0

    widths = ("out_channels",)
    block_type = "mbconv"
    string_kinds = ("dsa",)

    def check(self) -> None:
        self._positive("out_channels", "stride")
        self._odd_kernel()
        self._rate("drop_path")
        check_activation("DepthwiseSeparable.activation", self.activation)
        check_activation("DepthwiseSeparable.project_activation", self.project_activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        x = g.conv_norm_act(
            x,
            in_channels,
            self.kernel,
            stride=self.stride,
            groups=in_channels,
            activation=self.activation,
            name="depthwise",
        )
        x = excite(g, x, self.squeeze_excite, in_channels)
        x = g.conv_norm_act(x, self.out_channels, activation=self.project_activation, name="project")
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = add_residual(g, shortcut, x, self.drop_path)
        return x

    def words(self) -> tuple[str, ...]:
        return (
            f"Depthwise separable {kernel_words(self.kernel)}",
            *squeeze_words(self.squeeze_excite),
            *stride_words(self.stride),
        )

    @classmethod
    def from_string(cls, text: BlockString) -> DepthwiseSeparable:
        return cls(
            text.out_channels,
            text.kernel,
            text.stride,
            text.squeeze_excite,
            activation=text.activation,
            project_activation=text.activation,
        )

    def to_string(self) -> BlockString:
        linear = self.project_activation is None
        return BlockString(
            "ds" if linear else "dsa",
            self.out_channels,
            self.kernel,
            self.stride,
            1,
            self.squeeze_excite,
            False if linear and not self.skip else None,
            self.activation,
        )
