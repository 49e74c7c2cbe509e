"""Scaling in width: the parts of a network with more or fewer channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from space.architecture import Architecture
from space.blocks import Block
from space.operations import Shape
from space.rounding import Rounding
from space.segment import lower_block


def channel_fields(blocks: tuple[Block, ...]) -> Iterator[tuple[int, int]]:
    """(channels, groups that must divide them) of every field in ``blocks`` that width scales."""
    for block in blocks:
        yield from block.channel_fields()


class Widening:
    """The parts of a network (stem, stages, head) with every channel field scaled by its part's factor.

    What a part comes to at a factor is remembered where that depends on nothing else: a search over plans asks for few
    factors, again and again.
    """

    def __init__(self, architecture: Architecture, rounding: Rounding) -> None:
        self.parts = (architecture.stem, *(stage.blocks for stage in architecture.stages), architecture.head)
        self._rounding, self._classes = rounding, architecture.classes
        size = architecture.resolution
        self._shape = (architecture.in_channels, size, size)
        self._by_input = any(map(_widens_by_input, self.parts))
        self._known: dict[tuple[int, float], tuple[Block, ...]] = {}

    def at(self, widths: tuple[float, ...]) -> tuple[tuple[Block, ...], ...]:
        """The parts at these factors, one for each."""
        if self._by_input:
            shapes = _Shapes(self._shape, self._shape, self._classes)
            pairs = zip(self.parts, widths, strict=True)
            return tuple(_chain(blocks, width, self._rounding, shapes) for blocks, width in pairs)
        return tuple(self._part(index, width) for index, width in enumerate(widths))

    def _part(self, index: int, width: float) -> tuple[Block, ...]:
        if (index, width) not in self._known:
            self._known[index, width] = _chain(self.parts[index], width, self._rounding, None)
        return self._known[index, width]


@dataclass(slots=True)
class _Shapes:
    """The shapes in front of a block in the old and in the scaled network, for blocks that need them."""

    old: Shape
    new: Shape
    classes: int

    def step(self, old: Block, new: Block) -> None:
        self.old = lower_block(old, self.old, self.classes).shape
        self.new = lower_block(new, self.new, self.classes).shape

    def copy(self) -> _Shapes:
        return _Shapes(self.old, self.new, self.classes)


def _widens_by_input(blocks: tuple[Block, ...]) -> bool:
    return any(block.widens_by_input or any(map(_widens_by_input, block.chains)) for block in blocks)


def _chain(
    blocks: tuple[Block, ...], factor: float, rounding: Rounding, shapes: _Shapes | None
) -> tuple[Block, ...]:
    result = []
    for block in blocks:
        new = _block(block, factor, rounding, shapes)
        if shapes is not None:
            shapes.step(block, new)
        result.append(new)
    return tuple(result)


def _block(block: Block, factor: float, rounding: Rounding, shapes: _Shapes | None) -> Block:
    if block.chains:
        return block.with_chains(
            tuple(_chain(chain, factor, rounding, shapes and shapes.copy()) for chain in block.chains)
        )

    def scale(channels: int, groups: int) -> int:
        return rounding.channels(channels, factor, groups)

    return block.widened(scale, None if shapes is None else (shapes.old[0], shapes.new[0]))
