"""What every block is: a frozen value that lowers itself and declares what others must know of it.

Each block says once, in ``lower``, which primitive operations it is made of; costs, keys and torch modules all
follow from that. What scaling, drawing and the block strings must know stands beside it as class attributes and
methods. A block that does not declare its ``widths`` or whether it is a layer is refused when its class is made.

A block does not hold its input channels: they come from whatever stands before it, so the same block value can
stand anywhere in a network.

Convolutions are padded by kernel // 2 on each side (as in PyTorch) where a block has no ``padding``, so a stride
s gives ceil(size / s) as TensorFlow's SAME padding does, with the same parameters and operations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

from space.blocks.block_string import BlockString
from space.errors import InputError, ShapeError
from space.graph import GraphBuilder
from space.limits import LARGEST_FACTOR, LARGEST_NUMBER, LARGEST_RESOLUTION
from space.operations import Add, Pair, StochasticDepth

_WHOLE = f"a positive whole number up to {LARGEST_NUMBER}"
_FACTOR = f"a positive factor up to {LARGEST_FACTOR}"

RESIDUAL = "add"
"""The name of the sum of a shortcut and a residual branch, the last word of its path."""

ChannelScale = Callable[[int, int], int]
"""(channels, groups that must divide them) → the scaled channels."""


@dataclass(frozen=True)
class Block(ABC):
    """Root of all blocks: an immutable value that checks itself when made.

    Every block declares ``widths`` in its own class body, and ``is_layer`` there or through ``StridedLayer``;
    a class without them raises TypeError when it is made. ``abstract=True`` marks a base class that others
    complete.
    """

    __slots__ = ()

    widths: ClassVar[tuple[str, ...]]
    """The fields that hold channels, which width scaling multiplies."""
    is_layer: ClassVar[bool]
    """Whether the block counts as a layer of its stage, which depth scaling repeats."""
    block_type: ClassVar[str] = "other"
    """The block type of the search spaces (``space.block_types``) that it belongs to, or "other"."""
    string_kinds: ClassVar[tuple[str, ...]] = ()
    """The kinds of block strings (``space.notation``) that are read as this block."""

    def __init_subclass__(cls, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not abstract and ("widths" not in vars(cls) or not hasattr(cls, "is_layer")):
            raise TypeError(f"block {cls.__name__} must declare widths and is_layer")

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:  # noqa: B027 - not abstract: some blocks have nothing to check
        """Raises InputError naming the field, what was wanted and what came."""

    @abstractmethod
    def lower(self, g: GraphBuilder, x: int) -> int:
        """Adds this block's operations, reading node ``x``, to ``g``; returns the node of its output."""

    @property
    def canonical(self) -> str | None:
        """A text that all blocks share which count as the same function, where that is not read off their graphs."""
        return None

    def live(self) -> Block:
        """The block without operations that have no part in its output; itself where there are none."""
        if not self.chains:
            return self
        chains = tuple(tuple(block.live() for block in chain) for chain in self.chains)
        return self if chains == self.chains else self.with_chains(chains)

    def changed(self, **settings: Any) -> Self:
        """A copy with some fields changed, checked anew."""
        return replace(self, **settings)

    # Drawing.

    def words(self) -> tuple[str, ...]:
        """The block's name and the settings that make the difference; by default its first two numbers."""
        numbers = [f"{k} {v:g}" for k, v in settings(self).items() if type(v) in (int, float)]
        return (type(self).__name__, *numbers[:2])

    @property
    def description(self) -> str:
        """``words`` as one line."""
        return ", ".join(self.words())

    # Depth.

    def without_stride(self) -> Self:
        """The block as it would stand behind itself."""
        return self

    @property
    def repeatable(self) -> bool:
        """Whether the block can stand behind itself: a map of its own output's shape goes in and comes out."""
        return self.is_layer

    def keeps_size(self) -> bool:
        """Whether a map leaves the block as large as it came, whatever its number of channels."""
        return _keeps_size(self)

    # Width.

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chains of blocks inside this one."""
        return ()

    def with_chains(self, chains: tuple[Chain, ...]) -> Self:
        """A copy with other chains inside."""
        return self

    def width_groups(self, width: str) -> int:
        """The number of groups that the field ``width`` must stay divisible by."""
        return 1

    def channel_fields(self) -> Iterator[tuple[int, int]]:
        """(channels, groups that must divide them) of every field that one step of width scaling looks at."""
        for name in self.widths:
            channels = getattr(self, name)
            if channels is not None:
                yield channels, self.width_groups(name)

    @property
    def widens_by_input(self) -> bool:
        """Whether ``widened`` needs the channels in front of the block."""
        return False

    def widened(self, scale: ChannelScale, inputs: tuple[int, int] | None) -> Self:
        """The block with its ``widths`` scaled.

        ``inputs`` holds the channels in front of it in the old and in the scaled network, None where no block
        of the network needs them.
        """
        changes = {
            name: scale(channels, self.width_groups(name))
            for name in self.widths
            if (channels := getattr(self, name)) is not None
        }
        return self.changed(**changes) if changes else self

    # Block strings.

    @classmethod
    def from_string(cls, text: BlockString) -> Block:
        """The block that a string of one of ``string_kinds`` stands for."""
        raise InputError.of("block string", f"a kind other than that of {cls.__name__}", text.kind)

    def to_string(self, in_channels: int) -> BlockString | None:
        """The block as a block string, where ``in_channels`` come in; None where there is no notation for it."""
        return None

    # Checks.

    def _want(self, name: str, ok: bool, wanted: str) -> None:
        if not ok:
            raise InputError.of(f"{type(self).__name__}.{name}", wanted, getattr(self, name))

    def _positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            self._want(
                name,
                isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_NUMBER,
                _WHOLE,
            )

    def _rate(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            ok = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
            self._want(name, ok, "a rate in [0, 1)")

    def _odd_kernel(self, name: str = "kernel") -> None:
        kernel = getattr(self, name)
        ok = isinstance(kernel, int) and not isinstance(kernel, bool) and kernel > 0 and kernel % 2 == 1
        self._want(name, ok and kernel <= LARGEST_RESOLUTION, "an odd positive kernel")

    def _factor(self, name: str) -> None:
        self._want(name, 0 < getattr(self, name) <= LARGEST_FACTOR, _FACTOR)


Chain = tuple[Block, ...]


class StridedLayer(Block, abstract=True):
    """A layer with a field ``stride`` of default 1."""

    __slots__ = ()

    is_layer = True

    @property
    @abstractmethod
    def stride(self) -> int:
        """The step of its convolution, in pixels of its input."""

    def without_stride(self) -> Self:
        return self.changed(stride=1)

    @property
    def repeatable(self) -> bool:
        return self.stride == 1


class ResidualLayer(Block, abstract=True):
    """A layer with a residual branch, whose field ``drop_path`` of default 0 is the rate of stochastic depth."""

    __slots__ = ()

    is_layer = True

    @property
    @abstractmethod
    def drop_path(self) -> float:
        """The probability that training drops the branch for an image."""


def lower_chain(g: GraphBuilder, x: int, blocks: Chain) -> int:
    """Lowers ``blocks`` one after the other from node ``x``."""
    for index, block in enumerate(blocks):
        with g.scope(str(index)):
            x = block.lower(g, x)
    return x


def add_residual(g: GraphBuilder, shortcut: int, branch: int, drop_path: float) -> int:
    """The sum of ``shortcut`` and ``branch``, which training drops at the rate ``drop_path``."""
    if drop_path > 0:
        branch = g.add(StochasticDepth(drop_path), branch, name="drop_path")
    return g.add(Add(), shortcut, branch, name=RESIDUAL)


def settings(block: Block) -> dict[str, Any]:
    """A block's fields, in order, as a plain dict."""
    return {f.name: getattr(block, f.name) for f in fields(block)}


def kernel_words(kernel: int | Pair) -> str:
    """``3×3``."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    return f"{height}×{width}"


def stride_words(stride: int) -> tuple[str, ...]:
    """``("stride 2",)``; empty at stride 1."""
    return (f"stride {stride}",) if stride > 1 else ()


@lru_cache(maxsize=4096)
def _keeps_size(block: Block) -> bool:
    builder = GraphBuilder((8, 64, 64), 1)
    try:
        return builder.shape(block.lower(builder, 0))[1:] == (64, 64)
    except ShapeError:
        return False
