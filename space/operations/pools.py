"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from space.operations.base import (
    INPUTS,
    NOTHING,
    Operation,
    Pair,
    Saved,
    Shape,
    Window,
    require_map,
    window_output,
)


@dataclass(frozen=True, slots=True)
class Pool2d(Operation):
    """Max or average pooling; ``kind`` is ``"max"`` or ``"avg"``. Averages leave the padding out of the count."""

    kind: str
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    def output_shape(self, x: Shape) -> Shape:
        return (x[0], *window_output(x, self.kernel, self.stride, self.padding, self.ceil_mode))

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        window = self.kernel[0] * self.kernel[1]
        return prod(shape) * (window if self.kind == "avg" else window - 1)

    def saved(self, shape: Shape) -> Saved:
        return Saved(inputs=True, indices=prod(shape)) if self.kind == "max" else INPUTS

    @property
    def layer_kind(self) -> str:
        return "pool"

    @property
    def words(self) -> str:
        return f"{self.kind} pool {self.kernel[0]}x{self.kernel[1]}/{self.stride[0]}"

    def window(self, before: Shape) -> Window:
        return Window(self.kernel, self.stride, self.padding)


@dataclass(frozen=True, slots=True)
class AdaptiveAvgPool(Operation):
    """Average pooling to a fixed ``size`` × ``size`` map, whatever comes in."""

    size: int = 1

    def output_shape(self, x: Shape) -> Shape:
        require_map(x)
        return (x[0], self.size, self.size)

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        channels, height, width = inputs[0]
        return channels * self._windows(height) * self._windows(width)

    def _windows(self, extent: int) -> int:
        """The summed lengths of the windows that are laid over ``extent`` pixels."""
        return sum(-(-(i + 1) * extent // self.size) - i * extent // self.size for i in range(self.size))

    def saved(self, shape: Shape) -> Saved:
        return INPUTS if self.size > 1 else NOTHING  # a global mean needs nothing back

    @property
    def layer_kind(self) -> str:
        return "pool"

    @property
    def words(self) -> str:
        return f"avg pool to {self.size}x{self.size}"

    def window(self, before: Shape) -> Window:
        if self.size == 1:
            return Window()
        height, width = before[1:]
        return Window(
            (-(-height // self.size), -(-width // self.size)),
            (max(1, height // self.size), max(1, width // self.size)),
        )
