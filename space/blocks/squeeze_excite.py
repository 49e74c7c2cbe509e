"""Squeeze-and-excitation, alone and inside other blocks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from space.blocks.base import Block
from space.graph import GraphBuilder
from space.operations import AdaptiveAvgPool, Scale, check_activation
from space.rounding import round_channels


@dataclass(frozen=True, slots=True)
class SqueezeExcite(Block):
    """Squeeze-and-excitation (Hu et al. 2018): pool, reduce, expand, gate, scale.

    The squeezed width is ``ratio`` of the block's input channels (``of="input"``, EfficientNet) or of the
    channels it gates (``of="gated"``, SENet and MobileNetV3), rounded to ``divisor``. In a chain of
    blocks the two are the same.
    """

    ratio: float = 0.25
    of: str = "input"
    divisor: int = 1
    activation: str = "relu"
    gate: str = "sigmoid"

    widths = ()
    is_layer = False

    def check(self) -> None:
        self._want("ratio", 0 < self.ratio <= 1, "a share in (0, 1]")
        self._want("of", self.of in ("input", "gated"), "'input' or 'gated'")
        self._positive("divisor")
        check_activation("SqueezeExcite.activation", self.activation)
        check_activation("SqueezeExcite.gate", self.gate)

    def squeezed(self, input_channels: int, gated_channels: int) -> int:
        base = input_channels if self.of == "input" else gated_channels
        if self.divisor == 1:
            return max(1, int(base * self.ratio))
        return round_channels(base * self.ratio, self.divisor)

    def lower(self, g: GraphBuilder, x: int) -> int:
        return self.excite(g, x, g.channels(x))

    def excite(self, g: GraphBuilder, x: int, input_channels: int) -> int:
        """Gates ``x``, in a block whose own input has ``input_channels``."""
        channels = g.channels(x)
        with g.scope("se"):
            y = g.add(AdaptiveAvgPool(1), x, name="pool")
            y = g.conv(y, self.squeezed(input_channels, channels), bias=True, name="reduce")
            y = g.activation(y, self.activation)
            y = g.conv(y, channels, bias=True, name="expand")
            y = g.activation(y, self.gate, name="gate")
            return g.add(Scale(), x, y, name="scale")


def excite(g: GraphBuilder, x: int, block: SqueezeExcite | None, input_channels: int) -> int:
    """``x`` gated by ``block``, or ``x`` itself where there is none."""
    return x if block is None else block.excite(g, x, input_channels)


def squeeze_words(block: SqueezeExcite | None) -> tuple[str, ...]:
    """``("SE 1/4",)``; empty where there is none."""
    return () if block is None else (f"SE {Fraction(block.ratio).limit_denominator(64)}",)
