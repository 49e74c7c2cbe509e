"""IDX files, the format of MNIST and Fashion-MNIST (LeCun): 0, 0, 8, dimensions, big-endian extents, bytes."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from evaluators.images.allowance import check_bytes
from evaluators.images.files import kind_of
from evaluators.images.source import Source, SourceFormat, SourceRequest, fingerprint, stamp
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluators.images.source import Chunk

_HALVES = (("train", 0), ("t10k", 2))
_UNSIGNED_BYTES = 8
_BLOCK = 2**24


def read(request: SourceRequest) -> Source:
    """``train-images-idx3-ubyte``, ``t10k-…`` and their labels, gzipped or not; one half is enough."""
    import numpy as np

    path, name = request.path, request.name
    arrays: list[Chunk] = []
    given: dict[int, str] = {}
    stamps = []
    for prefix, part in _HALVES:
        images, labels = _file(path, f"{prefix}-images"), _file(path, f"{prefix}-labels")
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            raise InputError.of(name, f"both images and labels of {prefix}", "one of them")
        pictures = _array(images, 3, name, request.max_bytes)
        targets = _array(labels, 1, name, request.max_bytes)
        if len(pictures) != len(targets):
            raise InputError.of(f"{name} {labels.name}", f"{len(pictures)} labels", len(targets))
        arrays.append((pictures[..., None], targets.astype(np.int64), part))
        given[part] = images.name
        stamps += [stamp(images), stamp(labels)]
    if not arrays:
        wanted = "train-images-idx3-ubyte[.gz] or t10k-images-idx3-ubyte[.gz]"
        raise InputError.of(name, wanted, f"none in {path}")
    if len(arrays) == 1:  # all splits are drawn from the one half
        arrays, given = [(arrays[0][0], arrays[0][1], -1)], {}
    shapes = {chunk[0].shape[1:] for chunk in arrays}
    if len(shapes) != 1:
        raise InputError.of(name, "one image shape", sorted(shapes))
    height, width, channels = shapes.pop()
    count = sum(len(images) for images, _, _ in arrays)
    mark = fingerprint("idx", stamps)
    shape = (height, width, channels)
    return Source(name, count, shape, lambda: iter(arrays), fingerprint=mark, given=given)


def _file(path: Path, prefix: str) -> Path | None:
    found = sorted(f for f in path.iterdir() if f.name.startswith(prefix) and "idx" in f.name)
    found = [file for file in found if kind_of(file) == "a file"]
    return found[0] if found else None


def _array(file: Path, dimensions: int, name: str, most: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes that ``file`` holds. Raises InputError for any other content.

    Unpacks no more than the header says, and nothing if that is more than ``most`` bytes.
    """
    import numpy as np

    name = f"{name} {file.name}"
    try:
        with _unpacked(file) as stream:
            head = stream.read(4)
            zero, kind, rank = struct.unpack(">HBB", head)
            if (zero, kind, rank) != (0, _UNSIGNED_BYTES, dimensions):
                raise InputError.of(name, f"unsigned bytes in {dimensions} dimensions", head.hex())
            extents = struct.unpack(f">{rank}I", stream.read(4 * rank))
            wanted = prod(extents)
            check_bytes(name, wanted, most)
            body = bytearray()
            while len(body) < wanted and (block := stream.read(min(_BLOCK, wanted - len(body)))):
                body += block
            more = len(stream.read(1))
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise InputError.of(name, "an IDX file", f"{type(error).__name__}: {error}") from None
    if len(body) != wanted or more:
        raise InputError.of(name, f"{wanted} bytes of data", "more" if more else len(body))
    return np.frombuffer(body, np.uint8).reshape(extents)


def _unpacked(file: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")


IDX = SourceFormat(
    "idx",
    "DIR",
    "IDX files, gzipped or not: MNIST, Fashion-MNIST; one half (train or t10k) is enough",
    read,
    marks=("*-images-idx3-ubyte*", "*-images.idx3-ubyte*"),
)
