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


def widened(
    architecture: Architecture,
    parts: tuple[tuple[Block, ...], ...],
    widths: tuple[float, ...],
    rounding: Rounding,
) -> tuple[tuple[Block, ...], ...]:
    """The parts with every channel field scaled by its part's factor."""
    shapes: _Shapes | None = None
    if any(map(_widens_by_input, parts)):
        size = architecture.resolution
        shape = (architecture.in_channels, size, size)
        shapes = _Shapes(shape, shape, architecture.classes)
    return tuple(_chain(blocks, width, rounding, shapes) for blocks, width in zip(parts, widths, strict=True))


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
