"""Picture files in folders: one for each class, with folders for the splits above them if there are any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.images.decoding import LARGEST_SIDE, Encoded, decoded_chunks
from evaluators.images.files import shown
from evaluators.images.layout import read_layout
from evaluators.images.picture_files import Headers, decoded_file
from evaluators.images.pictures import Depth
from evaluators.images.source import CHUNK, LeftOut, Source, SourceFormat, SourceRequest, fingerprint
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.images.source import Chunk


def read(request: SourceRequest) -> Source:
    """The pictures below the folder, as ``layout`` finds their classes and splits."""
    path, name = request.path, request.name
    layout = read_layout(path, name)
    headers = Headers.of(one.file for one in layout.pictures)
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
            blocks,
            lambda file: decoded_file(file, side, channels, depth, request.max_bytes),
            request,
            len(pictures),
            bad,
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


def _stamp(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


FOLDER = SourceFormat(
    "folder", "DIR", "one folder per class; optional `train`, `validation`, `test` folders above them", read
)
