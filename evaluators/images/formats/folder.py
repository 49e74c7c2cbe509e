"""Picture files in folders: one for each class, with folders for the splits above them if there are any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.images.decoding import LARGEST_SIDE, Encoded, decoded_chunks
from evaluators.images.files import shown
from evaluators.images.layout import Placed, read_layout
from evaluators.images.pictures import (
    Depth,
    centred_square,
    is_deep,
    is_grey,
    open_picture,
    reason,
    upright,
)
from evaluators.images.source import CHUNK, LeftOut, Source, SourceFormat, SourceRequest, fingerprint
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluators.images.source import Chunk


def read(request: SourceRequest) -> Source:
    """The pictures below the folder, as ``layout`` finds their classes and splits."""
    path, name = request.path, request.name
    layout = read_layout(path, name)
    headers = _Headers.of(layout.pictures)
    if not headers.sides:
        raise InputError.of(name, "readable images", f"none of {len(layout.pictures)} files")
    commonest = max(headers.sides, key=lambda one: (headers.sides[one], one))
    side = request.size or min(commonest, LARGEST_SIDE)
    channels = 1 if headers.grey else 3
    classes = tuple(sorted({one.class_name for one in layout.pictures}))
    label_of = {c: i for i, c in enumerate(classes)}
    pictures = [
        Encoded(shown(one.file.relative_to(path)), label_of[one.class_name], one.part, one.file)
        for one in layout.pictures
    ]
    stamps = [(str(one.file.relative_to(path)), *_stamp(one.file)) for one in layout.pictures]
    mark = fingerprint("folder", str(path.resolve()), side, channels, request.skip_bad, stamps)
    bad: list[LeftOut] = []

    def chunks() -> Iterator[Chunk]:
        depth = Depth.of(headers.deep)
        blocks = (pictures[start : start + CHUNK] for start in range(0, len(pictures), CHUNK))
        return decoded_chunks(
            blocks, lambda file: _decode(file, side, channels, depth), request, len(pictures), bad
        )

    return Source(
        name,
        len(pictures),
        (side, side, channels),
        chunks,
        classes,
        mark,
        slow=True,
        given=layout.given,
        sides=headers.sides,
        left_out=tuple(layout.left_out),
        unlabelled=layout.unlabelled,
        notes=tuple(layout.notes),
        bad=bad,
    )


@dataclass(frozen=True)
class _Headers:
    """What the headers of all pictures say: short sides, whether all are grey, and which have more than eight bits."""

    sides: Counter[int]
    grey: bool
    deep: tuple[Path, ...]

    @classmethod
    def of(cls, pictures: list[Placed]) -> _Headers:
        sides: Counter[int] = Counter()
        grey, deep = True, []
        for one in pictures:
            try:
                with open_picture(one.file) as picture:
                    sides[min(picture.size)] += 1
                    grey = grey and is_grey(picture)
                    if is_deep(picture):
                        deep.append(one.file)
            except Exception:
                continue  # it is named and counted, and refused or left out, when it is decoded
        return cls(sides, grey, tuple(deep))


def _stamp(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def _decode(file: Path, side: int, channels: int, depth: Depth) -> NDArray[np.uint8] | str:
    """The picture, its short side resized to ``side`` and its centre cropped; or why it cannot be read."""
    try:
        if file.stat().st_size == 0:
            return "an empty file"
        with open_picture(file) as opened:
            opened.draft("RGB" if channels == 3 else "L", (side, side))
            return centred_square(upright(opened, channels, depth), side)
    except Exception as error:  # PIL raises OSError, SyntaxError, ValueError, struct.error … for bad files
        return reason(error).replace(str(file), file.name)


FOLDER = SourceFormat(
    "folder", "DIR", "one folder per class; optional `train`, `validation`, `test` folders above them", read
)
