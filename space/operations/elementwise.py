"""Operations that work on every number by itself: non-linearities, sums, gates, and noise in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from space.errors import InputError, ShapeError
from space.operations.base import (
    INPUTS,
    NOTHING,
    RESULT,
    Operation,
    Saved,
    Shape,
    require_map,
)


@dataclass(frozen=True, slots=True)
class _Function:
    """A non-linearity: its operations per element, and whether its derivative is a function of its result."""

    flops: int
    keeps_result: bool = False


# A comparison, an exponential, a tanh and an erf count one operation each.
_FUNCTIONS = {
    "relu": _Function(1, keeps_result=True),
    "relu6": _Function(2),
    "silu": _Function(5),
    "hard_swish": _Function(5),
    "sigmoid": _Function(4, keeps_result=True),
    "hard_sigmoid": _Function(4),
    "gelu": _Function(5),
    "tanh": _Function(1, keeps_result=True),
}
ACTIVATIONS = tuple(_FUNCTIONS)


def check_activation(argument: str, function: str | None) -> None:
    """Raises InputError unless ``function`` is None or one of ``ACTIVATIONS``."""
    if function is not None and (not isinstance(function, str) or function not in _FUNCTIONS):
        raise InputError.of(argument, f"one of {', '.join(ACTIVATIONS)}", function)


@dataclass(frozen=True, slots=True)
class Activation(Operation):
    """An elementwise non-linearity, one of ``ACTIVATIONS``."""

    function: str

    def output_shape(self, x: Shape) -> Shape:
        return x

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return _FUNCTIONS[self.function].flops * prod(shape)

    def saved(self, shape: Shape) -> Saved:
        return RESULT if _FUNCTIONS[self.function].keeps_result else INPUTS

    @property
    def words(self) -> str:
        return self.function

    def fuses_behind(self, before: Operation) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Add(Operation):
    """Elementwise sum of equal shapes (a residual connection)."""

    commutative = True

    def output_shape(self, *xs: Shape) -> Shape:
        if len(set(xs)) != 1:
            raise ShapeError(f"adds equal shapes, got {' and '.join(map(str, xs))}")
        return xs[0]

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return prod(shape) * (len(inputs) - 1)

    def saved(self, shape: Shape) -> Saved:
        return NOTHING


@dataclass(frozen=True, slots=True)
class Zero(Operation):
    """Zeros of the input's shape: its value where nothing leads to a node of a cell."""

    def output_shape(self, x: Shape) -> Shape:
        return x

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return prod(shape)

    def saved(self, shape: Shape) -> Saved:
        return NOTHING


@dataclass(frozen=True, slots=True)
class Scale(Operation):
    """A feature map times one gate per channel of shape (channels, 1, 1) (squeeze-and-excitation)."""

    def output_shape(self, x: Shape, gate: Shape) -> Shape:
        require_map(x)
        if gate != (x[0], 1, 1):
            raise ShapeError(f"needs a gate of shape {(x[0], 1, 1)}, got {gate}")
        return x

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return prod(shape)

    def saved(self, shape: Shape) -> Saved:
        return INPUTS

    def receptive_inputs(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """The map alone: a gate sees the whole image."""
        return inputs[:1]


@dataclass(frozen=True, slots=True)
class LayerScale(Operation):
    """A trained factor for each channel, ``initial`` at the start (Touvron et al. 2021, "CaiT", eq. 4)."""

    channels: int
    initial: float

    def output_shape(self, x: Shape) -> Shape:
        require_map(x, self.channels)
        return x

    @property
    def params(self) -> int:
        return self.channels

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return prod(shape)

    def saved(self, shape: Shape) -> Saved:
        return INPUTS

    @property
    def words(self) -> str:
        return "layer scale"

    def fuses_behind(self, before: Operation) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Dropout(Operation):
    """Zeroes each element with probability ``rate`` in training; nothing at inference."""

    rate: float

    identity_at_inference = True

    def output_shape(self, x: Shape) -> Shape:
        return x

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 0

    def saved(self, shape: Shape) -> Saved:
        return Saved(numbers=prod(shape))  # the scaled mask


@dataclass(frozen=True, slots=True)
class StochasticDepth(Operation):
    """Drops a whole residual branch per image with probability ``rate`` in training (Huang et al. 2016)."""

    rate: float

    identity_at_inference = True

    def output_shape(self, x: Shape) -> Shape:
        return x

    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        return 0

    def saved(self, shape: Shape) -> Saved:
        return Saved(numbers=1)  # the mask of the image

    @property
    def words(self) -> str:
        return "stochastic depth"
