"""Picture files in one folder per class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.images.decoding import LARGEST_SIDE, Encoded, decoded_chunks, reason
from evaluators.images.source import CHUNK, PARTS, Source, SourceFormat, SourceRequest, fingerprint
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluators.images.source import Chunk

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
_PART_FOLDERS = {"train": 0, "validation": 1, "valid": 1, "val": 1, "test": 2}


def read(request: SourceRequest) -> Source:
    """One folder per class, with optional ``train``, ``validation`` and ``test`` folders above them."""
    path, name = request.path, request.name
    files = _listing(path, name)
    classes = tuple(sorted({file.parent.name for file, _ in files}))
    label_of = {c: i for i, c in enumerate(classes)}
    side, channels = _decoded_shape(files, request.size, name)
    pictures = [
        Encoded(str(file.relative_to(path)), label_of[file.parent.name], part, file) for file, part in files
    ]
    skipped: list[str] = []

    def chunks() -> Iterator[Chunk]:
        blocks = (pictures[start : start + CHUNK] for start in range(0, len(pictures), CHUNK))
        return decoded_chunks(
            blocks, lambda file: _decode(file, side, channels), request, len(files), skipped
        )

    stamps = [(str(f.relative_to(path)), f.stat().st_size, f.stat().st_mtime_ns) for f, _ in files]
    mark = fingerprint("folder", str(path.resolve()), side, channels, request.skip_bad, stamps)
    return Source(name, len(files), (side, side, channels), classes, chunks, mark, True, skipped)


def _listing(path: Path, name: str) -> list[tuple[Path, int]]:
    """(file, part) of every picture, in a fixed order; checks the layout."""
    tops = _folders(path)
    if not tops:
        raise InputError.of(name, "one folder per class", "no folder in it")
    parted = all(top.name in _PART_FOLDERS for top in tops) and any(top.name == "train" for top in tops)
    groups = [(top, _PART_FOLDERS[top.name]) for top in tops] if parted else [(path, -1)]
    files: list[tuple[Path, int]] = []
    classes: dict[int, set[str]] = {}
    for top, part in groups:
        for folder in _folders(top):
            pictures = sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES)
            if pictures:
                classes.setdefault(part, set()).add(folder.name)
                files += [(file, part) for file in pictures]
    if not files:
        raise InputError.of(name, f"image files ({', '.join(sorted(SUFFIXES))}) in class folders", "none")
    known = classes.get(0, classes.get(-1, set()))
    for part, names in classes.items():
        if names - known:
            came = f"{sorted(names - known)[0]} in {PARTS[part]}"
            raise InputError.of(name, "the classes of train in every split", came)
    return files


def _folders(path: Path) -> list[Path]:
    """The folders in ``path``, hidden ones left out."""
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _decoded_shape(files: list[tuple[Path, int]], size: int | None, name: str) -> tuple[int, int]:
    """(side, channels) to decode to: the most frequent short side, at most 224; grey if every picture is."""
    from PIL import Image

    sides: Counter[int] = Counter()
    grey = True
    for file, _ in files:
        try:
            with Image.open(file) as picture:
                sides[min(picture.size)] += 1
                grey = grey and picture.mode in ("1", "L", "I;16")
        except Exception:
            continue  # it is named and counted, and refused or left out, when it is decoded
    if not sides:
        raise InputError.of(name, "readable images", f"none of {len(files)} files, e.g. {files[0][0].name}")
    commonest = max(sides, key=lambda side: (sides[side], side))
    return size or min(commonest, LARGEST_SIDE), 1 if grey else 3


def _decode(file: Path, side: int, channels: int) -> NDArray[np.uint8] | str:
    """The picture, its short side resized to ``side`` and its centre cropped; or why it cannot be read."""
    import numpy as np
    from PIL import Image

    mode = "RGB" if channels == 3 else "L"
    try:
        with Image.open(file) as opened:
            opened.draft(mode, (side, side))
            picture = opened.convert(mode)
    except Exception as error:  # PIL raises OSError, SyntaxError, ValueError, struct.error … for bad files
        return reason(error).replace(str(file), file.name)
    width, height = picture.size
    if min(width, height) != side:
        ratio = side / min(width, height)
        width, height = max(side, round(width * ratio)), max(side, round(height * ratio))
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    array = np.asarray(picture.crop((left, top, left + side, top + side)), dtype=np.uint8)
    return array.reshape(side, side, channels)


FOLDER = SourceFormat(
    "folder", "DIR", "one folder per class; optional `train`, `validation`, `test` folders above them", read
)
