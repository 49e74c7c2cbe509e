"""Hugging Face data sets: saved to disk, or from the hub by name; needs the package ``datasets``.

``hf:NAME#column=fine_label`` chooses the column of labels; else it is the first one of class labels.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from evaluators.images.decoding import LARGEST_SIDE, Encoded, decoded_chunks
from evaluators.images.files import kind_of
from evaluators.images.layout import part_of
from evaluators.images.pictures import Depth, decoding, is_deep, is_grey, open_picture, reason, upright
from evaluators.images.source import CHUNK, LeftOut, Source, SourceFormat, SourceRequest, fingerprint
from space.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from evaluators.images.source import Chunk

Row = Mapping[str, Any]
"""The values of a row by column."""


def read(request: SourceRequest) -> Source:
    """The splits called train, validation and test, in the usual spellings; of a single split, all rows."""
    name = request.name
    location, _, wanted = request.location.partition("#column=")
    splits = _loaded(name, location)
    parts = {split: part for split in splits if (part := part_of(split)) is not None}
    parts = parts or (dict.fromkeys(splits, -1) if len(splits) == 1 else {})
    if not parts or not {0, -1} & set(parts.values()):
        raise InputError.of(name, "a split called train", ", ".join(splits))
    columns = _Columns.of(name, next(iter(splits.values())).features, wanted)
    rows = {split: columns.undecoded(splits[split]) for split in parts}
    labels = _Labels.of(name, columns, rows)
    headers = _Headers.of(name, columns, rows)
    commonest = max(headers.sides, key=lambda one: (headers.sides[one], one))
    side = request.size or min(commonest, LARGEST_SIDE)
    channels = 1 if headers.grey else 3
    count = sum(map(len, rows.values()))
    bad: list[LeftOut] = []

    def chunks() -> Iterator[Chunk]:
        depth = Depth.of(columns.stream(rows[split][i]) for split, i in headers.deep)

        def pixels(row: Row) -> NDArray[np.uint8] | str:
            return _decoded(columns, row, side, channels, depth, request.max_bytes)

        blocks = (
            block
            for split, part in parts.items()
            for block in _blocks(split, rows[split], labels.numbers[split], part)
        )
        return decoded_chunks(blocks, pixels, request, count, bad)

    facts = [side, [splits[split]._fingerprint for split in parts], columns.label, request.skip_bad]
    return Source(
        name,
        count,
        (side, side, channels),
        chunks,
        columns.names or labels.texts,
        fingerprint("hf", location, *facts),
        slow=True,
        given={part: f"split {split}" for split, part in parts.items() if part >= 0},
        sides=headers.sides,
        left_out=tuple(
            LeftOut(f"split {split}", f"{len(splits[split])} rows; not one of train, validation and test")
            for split in splits
            if split not in parts
        ),
        notes=columns.notes,
        bad=bad,
    )


@dataclass(frozen=True)
class _Columns:
    """The columns that are read. ``names`` are those of class labels, None for a column of numbers or texts."""

    image: str
    label: str
    feature: Any
    names: tuple[str, ...] | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, name: str, features: Mapping[str, Any], wanted: str) -> _Columns:
        """The first column of images, and that of labels: ``wanted``, or the first one of class labels."""
        import datasets

        pictures = [k for k, f in features.items() if isinstance(f, datasets.Image)]
        labels = [k for k, f in features.items() if isinstance(f, datasets.ClassLabel)]
        if wanted and wanted not in features:
            raise UnknownNameError(f"{name}: column", wanted, features)
        if not pictures or not (wanted or labels):
            came = ", ".join(features)
            raise InputError.of(name, "a column of images and one of class labels (or #column=NAME)", came)
        label = wanted or labels[0]
        notes = [f"labels from column {label}"] if wanted or len(labels) > 1 else []
        others = [other for other in labels if other != label]
        if others:
            notes.append(f"other columns of labels: {', '.join(others)} (hf:NAME#column={others[0]})")
        if len(pictures) > 1:
            notes.append(f"images from column {pictures[0]}; not used: {', '.join(pictures[1:])}")
        named = isinstance(features[label], datasets.ClassLabel)
        names = tuple(str(c) for c in features[label].names) if named else None
        return cls(pictures[0], label, features[pictures[0]], names, tuple(notes))

    def undecoded(self, rows: Any) -> Any:
        """The two columns of a split, its images as bytes or paths."""
        feature = type(self.feature)(decode=False)
        return rows.select_columns([self.image, self.label]).cast_column(self.image, feature)

    def stream(self, row: Row) -> Path | IO[bytes]:
        """Where the picture of a row is read from. Raises OSError for a path that is no regular file."""
        value = row[self.image]
        if value["bytes"] is not None:
            return io.BytesIO(value["bytes"])
        path = Path(value["path"])
        if (kind := kind_of(path)) != "a file":
            raise OSError(f"{path.name}: {kind}")
        return path


@dataclass(frozen=True)
class _Labels:
    """Labels as whole numbers by split, None where a row has none; ``texts`` are those that they number."""

    numbers: Mapping[str, list[int | None]]
    texts: tuple[str, ...] | None = None

    @classmethod
    def of(cls, name: str, columns: _Columns, rows: Mapping[str, Any]) -> _Labels:
        found = {split: list(one[columns.label]) for split, one in rows.items()}
        values = {value for column in found.values() for value in column if value is not None}
        if all(isinstance(value, int) for value in values):
            return cls(found)
        if not all(isinstance(value, str) for value in values):
            came = type(next(iter(values))).__name__
            raise InputError.of(f"{name} {columns.label}", "class labels, whole numbers or texts", came)
        texts = tuple(sorted(values))
        number = {text: i for i, text in enumerate(texts)}
        return cls(
            {split: [None if v is None else number[v] for v in column] for split, column in found.items()},
            texts,
        )


@dataclass(frozen=True)
class _Headers:
    """What the headers of all images say: short sides, whether all are grey, which have more than eight bits."""

    sides: Counter[int]
    grey: bool
    deep: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, name: str, columns: _Columns, rows: Mapping[str, Any]) -> _Headers:
        sides: Counter[int] = Counter()
        grey, deep = columns.feature.mode in (None, "1", "L"), []
        for split, one in rows.items():
            for i, row in enumerate(one):
                try:
                    with open_picture(columns.stream(row)) as picture:
                        sides[min(picture.size)] += 1
                        grey = grey and (is_grey(picture) or columns.feature.mode is not None)
                        if is_deep(picture):
                            deep.append((split, i))
                except Exception:
                    continue  # it is named and counted, and refused or left out, when it is decoded
        if not sides:
            raise InputError.of(name, "readable images", f"none in {sum(map(len, rows.values()))} rows")
        return cls(sides, grey, tuple(deep))


def _blocks(
    split: str, rows: Iterable[Row], labels: list[int | None], part: int
) -> Iterator[list[Encoded[Row]]]:
    """The rows of a split, undecoded, a chunk at a time."""
    numbered = iter(enumerate(rows))
    while block := list(islice(numbered, CHUNK)):
        yield [
            Encoded(f"{split} row {i}", -1 if (label := labels[i]) is None else label, part, row)
            for i, row in block
        ]


def _loaded(name: str, location: str) -> Mapping[str, Any]:
    """The data set's splits by name."""
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
        came = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        raise InputError.of(name, "a data set", came) from None
    return loaded if isinstance(loaded, Mapping) else {"all": loaded}


def _decoded(
    columns: _Columns, row: Row, side: int, channels: int, depth: Depth, most: int
) -> NDArray[np.uint8] | str:
    """The picture of a row as (side, side, channels), or why it cannot be used."""
    if row[columns.image] is None or row[columns.label] is None:
        return "no image" if row[columns.image] is None else "no label"
    try:
        with open_picture(columns.stream(row)) as opened, decoding(opened, most):
            mode = columns.feature.mode
            picture = opened if mode is None else upright(opened, 3, depth).convert(mode)
            return _fitted(upright(picture, channels, depth), side)
    except Exception as error:  # PIL raises many kinds for bad images
        return reason(error)


def _fitted(picture: Image, side: int) -> NDArray[np.uint8]:
    """A picture as (side, side, channels): short side resized, centre cropped."""
    import numpy as np
    from PIL import ImageOps

    # Not centred_square, which rounds the long side: checksums of stored studies are those of this crop.
    return np.asarray(ImageOps.fit(picture, (side, side)), dtype=np.uint8).reshape(side, side, -1)


HF = SourceFormat(
    "hf",
    "NAME_OR_PATH",
    "a Hugging Face data set, saved or from the hub (`pip install 'nascale[hf]'`); `#column=NAME` chooses the labels",
    read,
    marks=("dataset_dict.json", "dataset_info.json", "*.parquet"),
)
