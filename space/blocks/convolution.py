"""The plain convolution."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from space.blocks.base import ChannelScale, StridedLayer, kernel_words, stride_words
from space.blocks.block_string import BlockString
from space.errors import InputError
from space.graph import GraphBuilder, pair
from space.limits import LARGEST_RESOLUTION
from space.operations import Pair, check_activation


@dataclass(frozen=True, slots=True)
class Conv(StridedLayer):
    """Convolution, then batch normalisation (a bias where ``norm`` is off), then a non-linearity."""

    out_channels: int
    kernel: int | Pair = 3
    stride: int = 1
    groups: int = 1
    norm: bool = True
    activation: str | None = "relu"
    padding: int | Pair | None = None
    bias: bool | None = None

    widths = ("out_channels",)
    string_kinds = ("cn",)

    def check(self) -> None:
        self._positive("out_channels", "stride", "groups")
        fits = min(pair(self.kernel)) > 0 and max(pair(self.kernel)) <= LARGEST_RESOLUTION
        self._want("kernel", fits, f"a positive kernel up to {LARGEST_RESOLUTION}")
        self._want("padding", self.padding is None or min(pair(self.padding)) >= 0, "padding of 0 or more")
        check_activation("Conv.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        x = g.conv(
            x,
            self.out_channels,
            self.kernel,
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
            bias=not self.norm if self.bias is None else self.bias,
        )
        if self.norm:
            x = g.norm(x)
        return g.activation(x, self.activation)

    def without_stride(self) -> Conv:
        return self.changed(stride=1, padding=None)

    @property
    def repeatable(self) -> bool:
        odd = all(size % 2 for size in pair(self.kernel))
        return self.stride == 1 and odd and self.padding is None and self.out_channels % self.groups == 0

    def keeps_size(self) -> bool:
        # Groups fit some numbers of input channels only.
        return self.groups == 1 and StridedLayer.keeps_size(self)

    def width_groups(self, width: str) -> int:
        return self.groups if self.groups < self.out_channels else 1

    @property
    def widens_by_input(self) -> bool:
        return self.groups > 1

    def widened(self, scale: ChannelScale, inputs: tuple[int, int] | None) -> Conv:
        """A depthwise convolution stays depthwise; other groups stay in number where they still divide."""
        if self.groups == 1 or inputs is None:
            return self.changed(out_channels=scale(self.out_channels, self.width_groups("out_channels")))
        before, after = inputs
        if self.groups == before:
            return self.changed(out_channels=after * (self.out_channels // before), groups=after)
        out_channels = scale(self.out_channels, self.groups)
        common = gcd(after, out_channels)
        groups = max(g for g in range(1, min(self.groups, common) + 1) if common % g == 0)
        return self.changed(out_channels=out_channels, groups=groups)

    def words(self) -> tuple[str, ...]:
        grouped = (f"{self.groups} groups",) if self.groups > 1 else ()
        return (f"Conv {kernel_words(self.kernel)}", *grouped, *stride_words(self.stride))

    @classmethod
    def from_string(cls, text: BlockString) -> Conv:
        size = text.group_size
        if size and text.in_channels % size:
            raise InputError.of("gs", f"a divisor of the {text.in_channels} channels that come in", size)
        groups = text.in_channels // size if size else 1
        return cls(text.out_channels, text.kernel, text.stride, groups, activation=text.activation)

    def to_string(self, in_channels: int) -> BlockString | None:
        if not self.norm or self.activation is None or not isinstance(self.kernel, int):
            return None
        return BlockString(
            "cn",
            self.out_channels,
            self.kernel,
            self.stride,
            activation=self.activation,
            group_size=in_channels // self.groups if self.groups > 1 else None,
            in_channels=in_channels,
        )
