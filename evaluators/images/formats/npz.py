"""Arrays in one npz file of numpy; the images are read in chunks, not at once."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any

from evaluators.images.allowance import check_bytes
from evaluators.images.source import CHUNK, Source, SourceFormat, SourceRequest, fingerprint, stamp
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluators.images.source import Chunk

    Header = tuple[tuple[int, ...], np.dtype[Any]]
    """(shape, dtype) of an array in the file."""

_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, ValueError, TypeError, KeyError, EOFError, OSError),
    *(RuntimeError, SyntaxError, TokenError),  # an archive with a password, and a header that is no Python
)

_MOST_LABEL_BYTES = 2**30


def read(request: SourceRequest) -> Source:
    """The arrays of each split that is there; ``x_train`` and its labels must be."""

    path, name = request.path, request.name
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.removesuffix(".npy"): member for member in archive.namelist()}
            found = _found(members)
            if 0 not in found:
                came = ", ".join(sorted(members)) or "none"
                raise InputError.of(
                    name, "arrays x_train and y_train (or train_images and train_labels)", came
                )
            headers = {part: _header_of(archive, members[images]) for part, (images, _) in found.items()}
            shape = _image_shape(name, {found[part][0]: header for part, header in headers.items()})
            count = sum(header[0][0] for header in headers.values())
            check_bytes(name, count * prod(shape), request.max_bytes)
            labels = {}
            for part, (of_images, of_labels) in found.items():
                rows = headers[part][0][0]
                given = None if of_labels is None else _small(archive, name, members[of_labels], rows)
                labels[part] = _labels(name, given, of_images, of_labels, rows, part)
            names = None
            if "classes" in members:
                names = tuple(str(c) for c in _small(archive, name, members["classes"], None).reshape(-1))
    except InputError:
        raise
    except _UNREADABLE as error:
        raise _unreadable(name, error) from None
    used = {array for pair in found.values() for array in pair} | {"classes"}
    unused = sorted(set(members) - used)
    raw, texts = _as_numbers(name, labels)

    def chunks() -> Iterator[Chunk]:
        for part, (images, _) in found.items():
            start = 0
            for block in _rows(path, name, members[images], headers[part]):
                yield block, raw[part][start : start + len(block)], part
                start += len(block)

    return Source(
        name,
        count,
        shape,
        chunks,
        texts or names,
        fingerprint("npz", stamp(path)),
        given={part: images for part, (images, _) in found.items()},
        notes=(f"arrays not used: {', '.join(unused)}",) if unused else (),
    )


def _found(members: Collection[str]) -> dict[int, tuple[str, str | None]]:
    """(array of images, array of labels or None) by part: ``x_val, y_val`` as Keras, ``val_images, val_labels`` as MedMNIST."""
    lower = {member.lower(): member for member in members}
    found: dict[int, tuple[str, str | None]] = {}
    for part, names in enumerate((("train",), ("validation", "valid", "val"), ("test",))):
        for name in names:
            for images, labels in ((f"x_{name}", f"y_{name}"), (f"{name}_images", f"{name}_labels")):
                if images in lower:
                    found.setdefault(part, (lower[images], lower.get(labels)))
    return found


def _as_numbers(
    name: str, labels: Mapping[int, NDArray[Any]]
) -> tuple[dict[int, NDArray[np.int64]], tuple[str, ...] | None]:
    """(labels as whole numbers by part, the texts that they number if the labels are texts)."""
    import numpy as np

    texts = [part for part, values in labels.items() if values.dtype.kind == "U"]
    if not texts:
        return {part: values.astype(np.int64) for part, values in labels.items()}, None
    known = np.unique(np.concatenate([labels[part] for part in texts]))
    raw = {
        part: np.searchsorted(known, values) if part in texts else values.astype(np.int64)
        for part, values in labels.items()
    }
    if any(values.max(initial=-1) >= 0 for part, values in raw.items() if part not in texts):
        raise InputError.of(name, "labels of one kind in all splits", "texts and numbers")
    return raw, tuple(str(text) for text in known)


def _unreadable(name: str, error: Exception) -> InputError:
    return InputError.of(name, "a readable npz file", f"{type(error).__name__}: {error}")


def _small(archive: zipfile.ZipFile, name: str, member: str, rows: int | None) -> NDArray[Any]:
    """An array of labels or names, read if its header says that it has ``rows`` rows and is not far too large."""
    from numpy.lib import format as npy

    shape, dtype = _header_of(archive, member)
    if rows is not None and shape[:1] != (rows,):
        raise InputError.of(
            f"{name} {member.removesuffix('.npy')}", f"{rows} labels, one an image", shape[0] if shape else ()
        )
    check_bytes(f"{name} {member}", prod(shape) * dtype.itemsize, _MOST_LABEL_BYTES, "labels")
    with archive.open(member) as stream:
        found: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return found


def _header_of(archive: zipfile.ZipFile, member: str) -> Header:
    with archive.open(member) as stream:
        return _header(stream)


def _header(stream: IO[bytes]) -> Header:
    """Reads the header of an npy file; the stream then stands at the data."""
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if fortran and len(shape) > 1:
        raise ValueError("an array in Fortran order")
    if any(extent < 0 for extent in shape):
        raise ValueError(f"an array of shape {shape}")
    return shape, dtype


def _rows(path: Path, name: str, member: str, header: Header) -> Iterator[NDArray[np.uint8]]:
    """The images of one array, a chunk at a time, as (n, height, width, channels)."""
    import numpy as np

    shape = header[0] if len(header[0]) == 4 else (*header[0], 1)
    row = int(np.prod(shape[1:]))
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            _header(stream)
            for start in range(0, shape[0], CHUNK):
                rows = min(CHUNK, shape[0] - start)
                block = stream.read(rows * row)
                if len(block) != rows * row:
                    raise EOFError(f"{member} ends early")
                yield np.frombuffer(block, np.uint8).reshape(rows, *shape[1:])
    except _UNREADABLE as error:
        raise _unreadable(name, error) from None


def _labels(
    name: str, found: NDArray[Any] | None, images: str, labels: str | None, count: int, part: int
) -> NDArray[Any]:
    """The labels beside an array of ``count`` images: whole numbers or texts; −1 for a test split without any."""
    import numpy as np

    if found is None:
        if part == 2:
            return np.full(count, -1)
        raise InputError.of(name, f"labels beside {images}", "none")
    found = found.reshape(-1) if found.ndim == 2 and found.shape[1] == 1 else found
    found = found.astype(np.int64) if found.dtype == np.bool_ else found
    if found.ndim != 1 or found.dtype.kind not in "iuU":
        came = f"{found.dtype}{found.shape}"
        raise InputError.of(f"{name} {labels}", "whole numbers (or texts) of shape (n,)", came)
    if found.dtype.kind == "u" and found.max(initial=0) > np.iinfo(np.int64).max:
        raise InputError.of(f"{name} {labels}", "labels below 2^63", int(found.max()))
    if len(found) != count:
        raise InputError.of(f"{name} {labels}", f"{count} labels, one an image", len(found))
    return found


def _image_shape(name: str, headers: Mapping[str, Header]) -> tuple[int, int, int]:
    """(height, width, channels), the same in all arrays."""
    shapes = set()
    for images, (shape, dtype) in headers.items():
        if str(dtype) != "uint8":
            raise InputError.of(f"{name} {images}", "uint8 images", str(dtype))
        full = shape if len(shape) == 4 else (*shape, 1)
        if len(full) != 4 or full[3] not in (1, 3):
            raise InputError.of(f"{name} {images}", "images (n, height, width, 1 or 3)", shape)
        shapes.add(full[1:])
    if len(shapes) != 1:
        raise InputError.of(name, "one image shape in all splits", sorted(shapes))
    height, width, channels = shapes.pop()
    return height, width, channels


NPZ = SourceFormat(
    "npz",
    "FILE",
    "arrays `x_train, y_train` (and `x_val, y_val`, `x_test, y_test`, `classes`; or `train_images, train_labels` …), uint8 (n, height, width, 1 or 3)",
    read,
    marks=("*.npz",),
)
