"""Hugging Face data sets: a saved one by its path, or one of the hub by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.images.decoding import LARGEST_SIDE, Encoded, decoded_chunks, reason
from evaluators.images.source import CHUNK, Source, SourceFormat, SourceRequest, fingerprint
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluators.images.source import Chunk

Row = Mapping[str, Any]
"""The values of a row by column."""

_PARTS = {"train": 0, "validation": 1, "valid": 1, "val": 1, "test": 2}


def read(request: SourceRequest) -> Source:
    """The splits called train, validation and test; needs the package ``datasets``."""
    name = request.name
    splits = _loaded(request)
    used = {k: _PARTS.get(k, -1) for k in splits if k in _PARTS or len(splits) == 1}
    if not used:
        raise InputError.of(name, "a split called train", ", ".join(splits))
    features = next(iter(splits.values())).features
    image, label = _columns(name, features)
    # The library's own decoder, called row by row: a row that cannot be decoded must not end the reading.
    decode = type(features[image])(mode=features[image].mode).decode_example
    undecoded = type(features[image])(decode=False)
    raw = {k: splits[k].select_columns([image, label]).cast_column(image, undecoded) for k in used}
    count = sum(len(rows) for rows in raw.values())
    first = _first_readable(name, (row[image] for rows in raw.values() for row in rows), decode, count)
    side = request.size or min(*first.size, LARGEST_SIDE)
    channels = 1 if first.mode in ("1", "L") else 3
    skipped: list[str] = []

    def pixels(row: Row) -> NDArray[np.uint8] | str:
        if row[image] is None or row[label] is None:
            return "no image" if row[image] is None else "no label"
        try:
            return _fitted(decode(row[image]), side, channels)
        except Exception as error:  # PIL raises many kinds for bad images
            return reason(error)

    def chunks() -> Iterator[Chunk]:
        blocks = (block for k, part in used.items() for block in _blocks(k, raw[k], label, part))
        return decoded_chunks(blocks, pixels, request, count, skipped)

    # Without --skip-bad the fingerprint is that of earlier versions: what they cached is found.
    without = ["skip"] if request.skip_bad else []
    mark = fingerprint("hf", request.location, side, [splits[k]._fingerprint for k in used], *without)
    classes = tuple(str(c) for c in features[label].names)
    return Source(name, count, (side, side, channels), classes, chunks, mark, True, skipped)


def _blocks(split: str, rows: Iterable[Row], label: str, part: int) -> Iterator[list[Encoded[Row]]]:
    """The rows of a split, undecoded, a chunk at a time."""
    numbered = iter(enumerate(rows))
    while block := list(islice(numbered, CHUNK)):
        yield [
            Encoded(f"{split} row {i}", -1 if row[label] is None else row[label], part, row)
            for i, row in block
        ]


def _loaded(request: SourceRequest) -> Mapping[str, Any]:
    """The data set's splits by name."""
    name, location = request.name, request.location
    try:
        import datasets
    except ImportError:
        wanted = "the package 'datasets' (pip install 'nascale[hf]')"
        raise InputError.of(name, wanted, "no such package") from None
    try:
        saved = any((Path(location) / mark).is_file() for mark in ("dataset_dict.json", "state.json"))
        # A folder that was not written by save_to_disk may hold the files of a hub repository.
        loaded = datasets.load_from_disk(location) if saved else datasets.load_dataset(location)
    except Exception as error:  # the library raises many kinds, its own included
        came = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        raise InputError.of(name, "a data set", came) from None
    return loaded if isinstance(loaded, Mapping) else {"all": loaded}


def _columns(name: str, features: Mapping[str, Any]) -> tuple[str, str]:
    """(column of images, column of labels): the first of each kind."""
    import datasets

    image = next((k for k, f in features.items() if isinstance(f, datasets.Image)), None)
    label = next((k for k, f in features.items() if isinstance(f, datasets.ClassLabel)), None)
    if image is None or label is None:
        raise InputError.of(name, "a column of images and one of class labels", ", ".join(features))
    return image, label


def _first_readable(name: str, encoded: Iterator[Any], decode: Any, count: int) -> Any:
    """The first image that can be decoded, as PIL gives it."""
    for one in encoded:
        if one is None:
            continue
        try:
            return decode(one)
        except Exception:
            continue  # it is named and counted, and refused or left out, when it is read
    raise InputError.of(name, "readable images", f"none in {count} rows")


def _fitted(picture: Any, side: int, channels: int) -> NDArray[np.uint8]:
    """A PIL image as (side, side, channels): short side resized, centre cropped."""
    import numpy as np
    from PIL import ImageOps

    fitted = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (side, side))
    return np.asarray(fitted, dtype=np.uint8).reshape(side, side, channels)


HF = SourceFormat(
    "hf",
    "NAME_OR_PATH",
    "a Hugging Face data set, saved or from the hub (`pip install 'nascale[hf]'`)",
    read,
)
