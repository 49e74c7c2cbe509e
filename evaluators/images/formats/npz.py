"""Arrays in one npz file of numpy; the images are read in chunks, not at once."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from evaluators.images.source import CHUNK, PARTS, Source, SourceFormat, SourceRequest, fingerprint, stamp
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluators.images.source import Chunk

    Header = tuple[tuple[int, ...], np.dtype[Any]]
    """(shape, dtype) of an array in the file."""

_UNREADABLE = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError)


def read(request: SourceRequest) -> Source:
    """``x_train, y_train``, and if they are there ``x_test, y_test``, ``x_validation, y_validation`` and ``classes``."""
    import numpy as np

    path, name = request.path, request.name
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.removesuffix(".npy") for member in archive.namelist()}
            for needed in ("x_train", "y_train"):
                if needed not in members:
                    raise InputError.of(name, f"an array {needed}", ", ".join(sorted(members)) or "none")
            present = [(i, part) for i, part in enumerate(PARTS) if f"x_{part}" in members]
            headers = {part: _header_of(archive, f"x_{part}.npy") for _, part in present}
        with np.load(path, allow_pickle=False) as arrays:
            labels = {part: _labels(name, arrays, part, headers[part][0]) for _, part in present}
            names = tuple(str(c) for c in arrays["classes"]) if "classes" in members else None
    except InputError:
        raise
    except _UNREADABLE as error:
        raise _unreadable(name, error) from None
    shape = _image_shape(name, headers)
    classes = names or tuple(str(c) for c in range(int(max(y.max(initial=0) for y in labels.values())) + 1))

    def chunks() -> Iterator[Chunk]:
        for index, part in present:
            start = 0
            for images in _rows(path, name, f"x_{part}.npy", headers[part]):
                yield images, labels[part][start : start + len(images)], index
                start += len(images)

    count = sum(header[0][0] for header in headers.values())
    return Source(name, count, shape, classes, chunks, fingerprint=fingerprint("npz", stamp(path)))


def _unreadable(name: str, error: Exception) -> InputError:
    return InputError.of(name, "a readable npz file", f"{type(error).__name__}: {error}")


def _header_of(archive: zipfile.ZipFile, member: str) -> Header:
    with archive.open(member) as stream:
        return _header(stream)


def _header(stream: IO[bytes]) -> Header:
    """Reads the header of an npy file; the stream then stands at the data."""
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if fortran:
        raise ValueError("an array in Fortran order")
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
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise _unreadable(name, error) from None


def _labels(
    name: str, arrays: Mapping[str, NDArray[Any]], part: str, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    import numpy as np

    if f"y_{part}" not in arrays:
        raise InputError.of(name, f"labels y_{part} beside x_{part}", "none")
    labels = np.asarray(arrays[f"y_{part}"])
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        came = f"{labels.dtype}{labels.shape}"
        raise InputError.of(f"{name} y_{part}", "whole numbers of shape (n,)", came)
    if len(labels) != shape[0]:
        raise InputError.of(f"{name} y_{part}", f"{shape[0]} labels, one an image", len(labels))
    return labels.astype(np.int64)


def _image_shape(name: str, headers: Mapping[str, Header]) -> tuple[int, int, int]:
    """(height, width, channels), the same in all arrays."""
    shapes = set()
    for part, (shape, dtype) in headers.items():
        if str(dtype) != "uint8":
            raise InputError.of(f"{name} x_{part}", "uint8 images", str(dtype))
        full = shape if len(shape) == 4 else (*shape, 1)
        if len(full) != 4 or full[3] not in (1, 3):
            raise InputError.of(f"{name} x_{part}", "images (n, height, width, 1 or 3)", shape)
        shapes.add(full[1:])
    if len(shapes) != 1:
        raise InputError.of(name, "one image shape in all splits", sorted(shapes))
    height, width, channels = shapes.pop()
    return height, width, channels


NPZ = SourceFormat(
    "npz",
    "FILE",
    "arrays `x_train, y_train` (and `x_test, y_test`, `x_validation, y_validation`, `classes`), uint8 (n, height, width, 1 or 3)",
    read,
)
