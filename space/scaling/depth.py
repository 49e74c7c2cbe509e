"""Scaling in depth: stages with more or fewer layers."""

from __future__ import annotations

from space.architecture import Stage
from space.blocks import Block


def layers(stage: Stage) -> int:
    """How many of the stage's blocks count as layers; pools, transitions and side heads do not."""
    return sum(block.is_layer for block in stage.blocks)


def repeatable_form(stage: Stage) -> Block | None:
    """What one more layer of ``stage`` would be: its last repeatable layer, or the last without stride."""
    found = [block for block in stage.blocks if block.is_layer]
    for block in reversed(found):
        if block.repeatable:
            return block
    for block in reversed(found):
        if block.without_stride().repeatable:
            return block.without_stride()
    return None


def repeated(stage: Stage, repeats: int) -> Stage:
    """``stage`` with ``repeats`` layers in all.

    Copies come from the layers of stride 1, as evenly as they go and from the back, so that a stage of
    unlike layers keeps their order and their mix. Layers that change the map's size are never dropped.
    """
    if repeats == layers(stage):
        return stage
    movable = [i for i, block in enumerate(stage.blocks) if block.is_layer and block.repeatable]
    fixed = layers(stage) - len(movable)
    blocks = list(stage.blocks)
    if not movable:
        form = repeatable_form(stage)
        if form is None or repeats < fixed:
            return stage
        after = max(i for i, block in enumerate(blocks) if block.is_layer and block.without_stride() == form)
        return Stage((*blocks[: after + 1], *[form] * (repeats - fixed), *blocks[after + 1 :]))
    copies = max(repeats - fixed, 0 if fixed else 1)
    each, more = divmod(copies, len(movable))
    counts = {index: each + (rank >= len(movable) - more) for rank, index in enumerate(movable)}
    return Stage(tuple(block for i, block in enumerate(blocks) for _ in range(counts.get(i, 1))))
