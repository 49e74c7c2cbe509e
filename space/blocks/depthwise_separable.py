"""The depthwise separable convolution of MobileNetV1."""

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
from space.blocks.mobile import groups_of
from space.blocks.squeeze_excite import SqueezeExcite, excite, squeeze_words
from space.graph import GraphBuilder
from space.operations import check_activation


@dataclass(frozen=True, slots=True)
class DepthwiseSeparable(StridedLayer, ResidualLayer):
    """Depthwise then 1×1 convolution, each normalised; MobileNetV1 (Howard et al. 2017) activates both.

    ``project_activation=None`` leaves the projection linear, and ``skip`` adds the identity, which
    together are MBConv at expansion 1. ``group_size`` channels form one group of the depthwise convolution, 0 means
    all of them.
    """

    out_channels: int
    kernel: int = 3
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = False
    activation: str = "relu"
    project_activation: str | None = "relu"
    drop_path: float = 0.0
    group_size: int = 1

    widths = ("out_channels",)
    block_type = "mbconv"
    string_kinds = ("dsa",)

    def check(self) -> None:
        self._positive("out_channels", "stride")
        self._odd_kernel()
        self._want("group_size", self.group_size >= 0, "a number of channels, or 0 for one group")
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
            groups=groups_of(in_channels, self.group_size, "depthwise"),
            activation=self.activation,
            name="depthwise",
        )
        x = excite(g, x, self.squeeze_excite, in_channels)
        x = g.conv_norm_act(x, self.out_channels, activation=self.project_activation, name="project")
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = add_residual(g, shortcut, x, self.drop_path)
        return x

    @property
    def widens_by_input(self) -> bool:
        return self.group_size > 1

    def widened(self, scale: ChannelScale, inputs: tuple[int, int] | None) -> DepthwiseSeparable:
        """Groups become smaller where their size no longer divides the channels."""
        wide = StridedLayer.widened(self, scale, inputs)
        if self.group_size <= 1 or inputs is None:
            return wide
        return wide.changed(group_size=gcd(self.group_size, inputs[1]))

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
            group_size=1 if text.group_size is None else text.group_size,
        )

    def to_string(self, in_channels: int) -> BlockString:
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
            group_size=None if self.group_size == 1 else self.group_size,
        )
