"""What every primitive operation declares: its shape rule, its costs, what training keeps, and how keys read it.

An operation is one frozen dataclass. Whoever adds one writes one class here and its torch module in
``evaluators.network``; costs, keys and listings follow from the declarations.

Shapes are per image, without the batch: ``(channels, height, width)`` for feature maps and
``(features,)`` after flattening.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from space.errors import ShapeError

Shape = tuple[int, ...]
Pair = tuple[int, int]


class ChannelOrder(Enum):
    """What a permutation of the input's channels does to an operation."""

    FOLLOWED = "the output is permuted alike, up to a relabelling of the weights"
    ABSORBED = "dense weights absorb it: the output stays as it was"
    GROUPED = "it changes which channels share a group"
    SEEN = "the operation reads neighbouring channels, so it is another function"


@dataclass(frozen=True, slots=True)
class Saved:
    """What autograd keeps of one operation for the backward pass.

    ``inputs`` and ``result`` say whether the tensors themselves are kept. ``numbers`` counts further numbers and
    ``indices`` int64 indices, both per image; ``statistics`` counts float32 numbers per batch.
    """

    inputs: bool = False
    result: bool = False
    numbers: int = 0
    indices: int = 0
    statistics: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """The pixels of an input that one output pixel sees; every field is (height, width).

    Output pixel i sees the ``extent`` pixels from i · ``stride`` − ``padding`` on.
    """

    extent: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)


NOTHING = Saved()
INPUTS = Saved(inputs=True)
RESULT = Saved(result=True)


class Operation(ABC):
    """Root of all primitive operations.

    The ``repr`` of an operation, with all its fields, enters the keys of architectures. A new field therefore
    changes the keys of the networks that use the operation; what is only declared goes into class attributes
    and methods.
    """

    __slots__ = ()

    commutative: ClassVar[bool] = False
    """Whether the order of the inputs changes nothing at all."""
    concatenates: ClassVar[bool] = False
    """Whether another order of the inputs only permutes the channels of the output."""
    identity_at_inference: ClassVar[bool] = False
    """Whether the input passes unchanged at inference, without a new tensor."""
    identity_in_training: ClassVar[bool] = False
    """Whether the input passes unchanged in training, without a new tensor."""

    @abstractmethod
    def output_shape(self, *inputs: Any) -> Shape:
        """The shape that comes out. Raises ShapeError where the inputs' shapes do not fit."""

    @abstractmethod
    def flops(self, inputs: Sequence[Shape], shape: Shape) -> int:
        """Floating-point operations at inference for one image, by the rules in ``space.cost``."""

    @abstractmethod
    def saved(self, shape: Shape) -> Saved:
        """What autograd keeps for the backward pass where the output has ``shape``."""

    @property
    def params(self) -> int:
        """Trained numbers."""
        return 0

    def macs(self, inputs: Sequence[Shape], shape: Shape) -> int:
        """Multiply-accumulates for one image; 0 unless the operation convolves or is linear."""
        return 0

    @property
    def channel_order(self) -> ChannelOrder:
        """What a permutation of the input's channels does."""
        return ChannelOrder.FOLLOWED

    @property
    def layer_kind(self) -> str:
        """The kind of layer that it is listed under, one of ``space.layers.KINDS``."""
        return "elementwise"

    @property
    def words(self) -> str:
        """A few words for listings: ``conv 3x3/2``, ``norm``, ``relu``."""
        return type(self).__name__.lower()

    def fuses_behind(self, before: Operation) -> bool:
        """Whether a runtime computes this operation together with ``before``, the only one it reads."""
        return False

    def window(self, before: Shape) -> Window:
        """What one output pixel sees of an input of shape ``before``.

        An operation that reads the whole map at once (a global pool, a flattening) has no window to slide: it keeps
        the default, so that the field of one position of the map is carried on.
        """
        return Window()

    def receptive_inputs(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Those of ``inputs`` through which the receptive field is followed."""
        return inputs


def require_map(shape: Shape, channels: int | None = None) -> None:
    """Raises ShapeError unless ``shape`` is a feature map, of ``channels`` channels where given."""
    if len(shape) != 3:
        raise ShapeError(f"needs a feature map (channels, height, width), got shape {shape}")
    if channels is not None and shape[0] != channels:
        raise ShapeError(f"needs {channels} channels, got {shape[0]}")


def window_output(shape: Shape, kernel: Pair, stride: Pair, padding: Pair, ceil_mode: bool = False) -> Pair:
    """(height, width) that a sliding window gives. Raises ShapeError where it does not fit."""
    require_map(shape)
    for size, k, s, p in zip(shape[1:], kernel, stride, padding, strict=True):
        if size < s or size + 2 * p < k:
            raise ShapeError(
                f"kernel {kernel[0]}x{kernel[1]} at stride {max(stride)} does not fit its "
                f"{shape[1]}x{shape[2]} input"
            )
    height = _extent(shape[1], kernel[0], stride[0], padding[0], ceil_mode)
    width = _extent(shape[2], kernel[1], stride[1], padding[1], ceil_mode)
    return height, width


def _extent(size: int, kernel: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """Output extent of a sliding window along one axis (PyTorch's rule, ceil mode included)."""
    span = size + 2 * padding - kernel
    if span < 0:
        return 0
    if not ceil_mode:
        return span // stride + 1
    out = -(-span // stride) + 1
    # A window that would start in the right padding is dropped.
    return out - 1 if (out - 1) * stride >= size + padding else out
