"""What is said of a network that grew: what it has more of, and how far its function is the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from space.architecture import Architecture
from space.growth import Note
from space.scaling import layers

if TYPE_CHECKING:
    from evaluators.growth.deviation import Deviation

_NAMED = 3


def grown_lines(smaller: Architecture, larger: Architecture) -> Iterator[str]:
    """What the larger network has more of, part by part; nothing of parts that stay."""
    for name, few, many in zip(_names(larger), _sizes(smaller), _sizes(larger), strict=True):
        said = [
            f"{before} → {after} {unit}"
            for before, after, unit in zip(few, many, ("layers", "channels"), strict=True)
            if before != after
        ]
        if said:
            yield f"{name}: {', '.join(said)}"
    if larger.resolution != smaller.resolution:
        yield f"resolution: {smaller.resolution} → {larger.resolution} pixels"


def _names(architecture: Architecture) -> list[str]:
    return ["stem", *(f"stages.{i}" for i in range(len(architecture.stages))), "head"]


def _sizes(architecture: Architecture) -> list[tuple[int, int]]:
    """(layers, most channels that leave a block) of the stem, each stage and the head."""
    found: list[tuple[int, int]] = []
    counts = [len(architecture.stem), *(len(s.blocks) for s in architecture.stages), len(architecture.head)]
    deep = [counts[0], *map(layers, architecture.stages), counts[-1]]
    outputs = [segment.shape[0] for _, _, segment in architecture.segments()]
    for count, depth in zip(counts, deep, strict=True):
        found.append((depth, max(outputs[:count], default=0)))
        outputs = outputs[count:]
    return found


def note_lines(notes: Sequence[Note]) -> Iterator[str]:
    """Why the function is not quite the same, a line for each reason."""
    for why in dict.fromkeys(note.why for note in notes):
        paths = [note.path for note in notes if note.why == why]
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        yield f"not quite the same function: {why} ({', '.join(paths[:_NAMED])}{more})"


def deviation_lines(found: Deviation, smaller: Architecture, larger: Architecture) -> Iterator[str]:
    """Whether the functions are the same, as measured."""
    if found.difference is None:
        yield f"the grown network takes no images of {smaller.resolution} pixels, so its function is not compared there"
    else:
        same = "the same function" if found.same else "another function"
        yield (
            f"{same}: logits differ by at most {found.difference:.2g} (the largest is {found.logit:.4g}) "
            f"on {found.images} validation images of {smaller.resolution} pixels"
        )
    parts = [f"RUN {found.accuracy:.4f}"]
    if found.grown_accuracy is not None:
        parts.append(f"grown {found.grown_accuracy:.4f}")
    if larger.resolution != smaller.resolution:
        parts.append(f"grown at its own {larger.resolution} pixels {found.own_accuracy:.4f}")
    yield f"accuracy on them: {', '.join(parts)}"
