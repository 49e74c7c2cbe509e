"""Operations that move numbers and compute none: the input, flattening, concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from space.errors import ShapeError
from space.operations.base import NOTHING, Operation, Saved, Shape


@dataclass(frozen=True, slots=True)
class Input(Operation):
    """The image (or, in a segment, the tensor that enters the block)."""

    shape: Shape

    def output_shape(self) -> Shape:
        return self.shape

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 0

    def saved(self, shape: Shape) -> Saved:
        return NOTHING


@dataclass(frozen=True, slots=True)
class Flatten(Operation):
    """(channels, height, width) → (features,)."""

    identity_at_inference = True
    identity_in_training = True

    def output_shape(self, x: Shape) -> Shape:
        return (prod(x),)

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 0

    def saved(self, shape: Shape) -> Saved:
        return NOTHING


@dataclass(frozen=True, slots=True)
class Concat(Operation):
    """Concatenation along channels (inception, dense connections)."""

    concatenates = True

    def output_shape(self, *xs: Shape) -> Shape:
        if len({x[1:] for x in xs}) != 1:
            raise ShapeError(f"concatenates maps of one size, got {' and '.join(map(str, xs))}")
        return (sum(x[0] for x in xs), *xs[0][1:])

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 0

    def saved(self, shape: Shape) -> Saved:
        return NOTHING
