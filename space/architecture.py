"""An architecture: stem, stages of blocks, head, input resolution and classes, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any

from space.blocks import Block
from space.errors import InputError, ShapeError
from space.limits import LARGEST_NUMBER, LARGEST_RESOLUTION, MOST_BLOCKS
from space.operations import Shape
from space.segment import Segment, lower_block

# Where a larger image is looked for that would fit.
_LARGEST_TRIED = 8192
_LARGEST = {"resolution": LARGEST_RESOLUTION, "classes": LARGEST_NUMBER, "in_channels": LARGEST_NUMBER}


@dataclass(frozen=True, slots=True)
class Stage:
    """Consecutive blocks that belong together; depth scaling repeats its layers."""

    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        if not self.blocks or not all(isinstance(b, Block) for b in self.blocks):
            raise InputError.of("Stage.blocks", "one or more blocks", self.blocks)


@dataclass(frozen=True)
class Architecture:
    """A convolutional network as a value.

    ``stem``, ``stages`` and ``head`` hold blocks; the images are ``in_channels`` × ``resolution`` ×
    ``resolution``; the output has ``classes`` logits. ``name`` is a label and takes no part in equality
    or in the key.

    Raises ShapeError when made if its tensors do not fit together: the message names the layer and, where
    a larger image would do, the smallest resolution that works. Images that are too small only for an auxiliary
    classifier make a network for inference: ``training_misfit`` says why it cannot be trained.
    """

    stem: tuple[Block, ...]
    stages: tuple[Stage, ...]
    head: tuple[Block, ...]
    resolution: int
    classes: int
    in_channels: int = 3
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for argument, most in _LARGEST.items():
            value = getattr(self, argument)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                wanted = f"a positive whole number up to {most}"
                raise InputError.of(f"Architecture.{argument}", wanted, value)
        count = len(self.stem) + sum([len(stage.blocks) for stage in self.stages]) + len(self.head)
        if count > MOST_BLOCKS:
            raise InputError.of("Architecture", f"at most {MOST_BLOCKS} blocks", count)
        try:
            lowered = self._segments
        except ShapeError as error:
            smallest = self._smallest_resolution(training=False)
            if smallest is None:
                raise
            raise ShapeError(
                f"resolution {self.resolution} is too small: {error}; the smallest that works is {smallest}"
            ) from None
        shape = lowered[-1][2].shape if lowered else (self.in_channels, self.resolution, self.resolution)
        if shape != (self.classes,):
            raise ShapeError(f"head: wanted {self.classes} logits, got an output of shape {shape}")
        misfits = self._misfits
        if misfits and self._smallest_resolution(training=True) is None:
            raise ShapeError(misfits[0])

    @property
    def label(self) -> str:
        """The name, or the key where there is none."""
        return self.name or self.key

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in order of execution."""
        return (*self.stem, *[b for stage in self.stages for b in stage.blocks], *self.head)

    def named_blocks(self) -> Iterator[tuple[str, Block]]:
        """(path, block) in order of execution: ``stem.0``, ``stages.2.1``, ``head.0``."""
        depths = tuple([len(stage.blocks) for stage in self.stages])
        return zip(_paths(len(self.stem), depths, len(self.head)), self.blocks, strict=True)

    def segments(self) -> tuple[tuple[str, Block, Segment], ...]:
        """(path, block, lowered segment) in order of execution."""
        return self._segments

    @cached_property
    def _segments(self) -> tuple[tuple[str, Block, Segment], ...]:
        return tuple(self._lowered(self.resolution))

    @property
    def _misfits(self) -> list[str]:
        """Why auxiliary classifiers do not fit, in order."""
        misfitting = [(path, segment) for path, _, segment in self._segments if segment.graph.misfits]
        return [text for path, segment in misfitting for text in segment.misfits(path)]

    @property
    def training_misfit(self) -> str:
        """Why the network cannot be trained at its resolution: an auxiliary classifier does not fit. Empty where all do."""
        misfits = self._misfits
        if not misfits:
            return ""
        return (
            f"resolution {self.resolution} is too small for the auxiliary classifier: {misfits[0]}; "
            f"the smallest for training is {self._smallest_resolution(training=True)}"
        )

    def __getstate__(self) -> dict[str, object]:
        """The fields without the lowered segments, which each process makes itself."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @cached_property
    def key(self) -> str:
        """20 hex digits that name the function: equal for networks that differ only in relabelling.

        It does not depend on identity layers, on the order of parallel branches and on the grouping into stages. It
        depends on resolution, classes and the regularisation of training (dropout, stochastic depth).
        """
        parts = [s for _, _, s in self._segments if not s.identity]
        ordered = any(s.order_sensitive for s in parts)
        digest = blake2b(digest_size=10)
        digest.update(f"{self.in_channels},{self.resolution},{self.classes}".encode())
        for segment in parts:
            digest.update(segment.digest if ordered else segment.unordered)
        return digest.hexdigest()

    def live(self) -> Architecture:
        """The network without operations that have no part in its output; itself where there are none.

        Such operations count in the costs (``space.blocks.cell``). The key stays the same.
        """
        kept = {block: block.live() for block in self.blocks}
        if all(block == live for block, live in kept.items()):
            return self
        return self.replace(
            stem=tuple(kept[b] for b in self.stem),
            stages=tuple(Stage(tuple(kept[b] for b in stage.blocks)) for stage in self.stages),
            head=tuple(kept[b] for b in self.head),
        )

    def replace(self, **changes: Any) -> Architecture:
        """A copy with some fields changed, checked anew."""
        return replace(self, **changes)

    def _lowered(self, resolution: int) -> Iterator[tuple[str, Block, Segment]]:
        """The segments for images of ``resolution`` pixels. Raises ShapeError naming the layer that does not fit."""
        shape: Shape = (self.in_channels, resolution, resolution)
        for path, block in self.named_blocks():
            try:
                segment = lower_block(block, shape, self.classes)
            except ShapeError as error:
                raise ShapeError(str(error).replace("layer ", f"layer {path}.", 1)) from None
            yield path, block, segment
            shape = segment.shape

    def _smallest_resolution(self, training: bool) -> int | None:
        """The smallest resolution that works (for training, with auxiliary classifiers); None where none does."""

        def fits(resolution: int) -> bool:
            try:
                for _, _, segment in self._lowered(resolution):
                    if training and segment.graph.misfits:
                        return False
            except ShapeError:
                return False
            return True

        if not fits(_LARGEST_TRIED):
            return None
        low, high = self.resolution, _LARGEST_TRIED
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(middle) else (middle, high)
        return high


@lru_cache(maxsize=16_384)
def _paths(stem: int, stages: tuple[int, ...], head: int) -> tuple[str, ...]:
    """The paths of all blocks, given how many there are in each part."""
    inside = [f"stages.{i}.{j}" for i, depth in enumerate(stages) for j in range(depth)]
    return (*[f"stem.{i}" for i in range(stem)], *inside, *[f"head.{i}" for i in range(head)])
