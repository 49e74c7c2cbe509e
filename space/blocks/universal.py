"""The universal inverted bottleneck of MobileNetV4."""

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

# Qin et al. 2024, figure 4: the block's names by which of its first two depthwise convolutions are there.
_NAMES = {(False, False): "FFN", (True, False): "ConvNext-like", (False, True): "IB", (True, True): "ExtraDW"}


@dataclass(frozen=True, slots=True)
class UniversalBottleneck(StridedLayer, ResidualLayer):
    """Universal inverted bottleneck (Qin et al. 2024, "MobileNetV4", §3): up to three depthwise convolutions.

    Linear depthwise ``start_kernel``, 1×1 expansion to ``expansion`` times the input channels (also at 1), depthwise
    ``kernel``, squeeze-excite, linear 1×1 projection, linear depthwise ``end_kernel``. A kernel of 0 leaves its
    convolution out. The stride is that of ``kernel``, or of the first convolution that is there. Identity
    skip where stride is 1 and the channels stay. ``group_size`` channels form one group of a depthwise convolution,
    0 means all of them.
    """

    out_channels: int
    start_kernel: int = 0
    kernel: int = 3
    end_kernel: int = 0
    expansion: float = 4
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = True
    activation: str = "relu"
    drop_path: float = 0.0
    hidden_divisor: int = 1
    group_size: int = 1

    widths = ("out_channels",)
    block_type = "mbconv"
    string_kinds = ("uir",)

    def check(self) -> None:
        self._positive("out_channels", "stride", "hidden_divisor")
        for name in ("start_kernel", "kernel", "end_kernel"):
            if getattr(self, name) != 0:
                self._odd_kernel(name)
        some = self.start_kernel or self.kernel or self.end_kernel
        self._want("stride", self.stride == 1 or some > 0, "1 in a block without a depthwise convolution")
        self._factor("expansion")
        self._want("group_size", self.group_size >= 0, "a number of channels, or 0 for one group")
        self._rate("drop_path")
        check_activation("UniversalBottleneck.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        hidden = expanded_channels(in_channels, self.expansion, self.hidden_divisor)
        strided = "middle" if self.kernel else "start" if self.start_kernel else "end"

        def depthwise(y: int, kernel: int, place: str, activation: str | None) -> int:
            if not kernel:
                return y
            channels = g.channels(y)
            return g.conv_norm_act(
                y,
                channels,
                kernel,
                stride=self.stride if place == strided else 1,
                groups=groups_of(channels, self.group_size, place),
                activation=activation,
                name=place,
            )

        x = depthwise(x, self.start_kernel, "start", None)
        x = g.conv_norm_act(x, hidden, activation=self.activation, name="expand")
        x = depthwise(x, self.kernel, "middle", self.activation)
        x = excite(g, x, self.squeeze_excite, in_channels)
        x = g.conv_norm_act(x, self.out_channels, activation=None, name="project")
        x = depthwise(x, self.end_kernel, "end", None)
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = add_residual(g, shortcut, x, self.drop_path)
        return x

    @property
    def widens_by_input(self) -> bool:
        return self.group_size > 1

    def widened(self, scale: ChannelScale, inputs: tuple[int, int] | None) -> UniversalBottleneck:
        """Groups become smaller where their size no longer divides the channels."""
        wide = StridedLayer.widened(self, scale, inputs)
        if self.group_size <= 1 or inputs is None:
            return wide
        hidden = expanded_channels(inputs[1], self.expansion, self.hidden_divisor)
        return wide.changed(group_size=gcd(self.group_size, inputs[1], hidden, wide.out_channels))

    def words(self) -> tuple[str, ...]:
        kernels = [kernel_words(k) for k in (self.start_kernel, self.kernel, self.end_kernel) if k]
        name = _NAMES[self.start_kernel > 0, self.kernel > 0]
        return (
            " ".join(("UIB", name, *kernels)),
            f"expand {self.expansion:g}×",
            *(() if self.skip else ("no skip",)),
            *squeeze_words(self.squeeze_excite),
            *stride_words(self.stride),
        )

    @classmethod
    def from_string(cls, text: BlockString) -> UniversalBottleneck:
        return cls(
            **text.inverted_bottleneck(),
            start_kernel=text.start_kernel,
            end_kernel=text.end_kernel,
            group_size=1 if text.group_size is None else text.group_size,
        )

    def to_string(self, in_channels: int) -> BlockString:
        return BlockString(
            "uir",
            self.out_channels,
            self.kernel,
            self.stride,
            self.expansion,
            self.squeeze_excite,
            None if self.skip else False,
            self.activation,
            self.hidden_divisor,
            start_kernel=self.start_kernel,
            end_kernel=self.end_kernel,
            group_size=None if self.group_size == 1 else self.group_size,
        )
