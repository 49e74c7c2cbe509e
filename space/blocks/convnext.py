"""The blocks of ConvNeXt (Liu et al. 2022, arXiv:2201.03545)."""

from __future__ import annotations

from dataclasses import dataclass

from space.blocks.base import Block, ResidualLayer, add_residual, kernel_words, stride_words
from space.graph import GraphBuilder
from space.operations import LayerNorm, LayerScale, check_activation


@dataclass(frozen=True, slots=True)
class ConvNeXt(ResidualLayer):
    """Depthwise ``kernel``, layer normalisation, 1×1 to ``expansion`` times the channels, activation, 1×1 back.

    The branch is multiplied by a trained factor for each channel, ``layer_scale`` at the start (0 leaves it out),
    and added to the input. The block keeps the channels that come in; all its convolutions have biases.
    """

    kernel: int = 7
    expansion: float = 4
    activation: str = "gelu"
    layer_scale: float = 1e-6
    drop_path: float = 0.0

    widths = ()
    block_type = "convnext"

    def check(self) -> None:
        self._odd_kernel()
        self._want("expansion", self.expansion > 0, "a positive factor")
        self._want("layer_scale", self.layer_scale >= 0, "0 or a positive factor")
        self._rate("drop_path")
        check_activation("ConvNeXt.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, channels = x, g.channels(x)
        hidden = max(1, round(channels * self.expansion))
        x = g.conv(x, channels, self.kernel, groups=channels, bias=True, name="depthwise")
        x = g.add(LayerNorm(channels), x, name="norm")
        x = g.conv(x, hidden, bias=True, name="expand")
        x = g.activation(x, self.activation)
        x = g.conv(x, channels, bias=True, name="project")
        if self.layer_scale > 0:
            x = g.add(LayerScale(channels, self.layer_scale), x, name="layer_scale")
        return add_residual(g, shortcut, x, self.drop_path)

    def words(self) -> tuple[str, ...]:
        return f"ConvNeXt {kernel_words(self.kernel)}", f"expand {self.expansion:g}×"


@dataclass(frozen=True, slots=True)
class ConvNeXtDownsample(Block):
    """In front of a stage: layer normalisation and a convolution to ``out_channels`` whose kernel is its stride."""

    out_channels: int
    stride: int = 2

    widths = ("out_channels",)
    is_layer = False
    block_type = "convnext"

    def check(self) -> None:
        self._positive("out_channels", "stride")

    def lower(self, g: GraphBuilder, x: int) -> int:
        x = g.add(LayerNorm(g.channels(x)), x, name="norm")
        return g.conv(x, self.out_channels, self.stride, stride=self.stride, padding=0, bias=True)

    def words(self) -> tuple[str, ...]:
        return f"Norm and conv {kernel_words(self.stride)}", *stride_words(self.stride)


@dataclass(frozen=True, slots=True)
class ChannelNorm(Block):
    """Layer normalisation over the channels of each pixel."""

    widths = ()
    is_layer = False

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.add(LayerNorm(g.channels(x)), x, name="norm")

    def words(self) -> tuple[str, ...]:
        return ("Layer norm",)
