"""The cache of decoded images: whole files that prove themselves when they are opened, or none.

A set is two files: ``NAME.npy`` holds the images, ``NAME.npz`` labels, splits, what was left out, and the checksum of the
images. They are written beside and renamed. A file that is torn, altered or empty does not fit its checksum and is made
anew. What a writer that died has left behind is removed by the next one: it is the one that holds no lock any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from evaluators.cache import unwritable, writable_cache
from evaluators.images.source import LeftOut
from space.errors import InputError

_PART = ".part"
_SPARE = 2**24
"""Bytes of the disk that are left free."""
_BLOCK = 2**24
_TORN = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, SyntaxError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, eq=False)
class Content:
    """The images of a source that have a label; ``unlabelled`` counts the others by part.

    ``parts`` are as in ``splits``; the checksum is of the images and labels.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    parts: NDArray[np.int8]
    checksum: str
    unlabelled: Counter[int]


def opened(file: Path, *, mapped: bool) -> tuple[Content, list[LeftOut]] | None:
    """What the cache holds under ``file``, and what the source holds beside it; None where that is not whole.

    ``mapped`` leaves the images on the disk. They are read once all the same, to compare their checksum.
    """
    if not (file.is_file() and file.with_suffix(".npz").is_file()):
        return None
    try:
        with file.with_suffix(".npz").open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            if int(kept["crc32"]) != _crc32(file):
                return None
            content = Content(
                np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False),
                kept["labels"],
                kept["parts"],
                str(kept["checksum"]),
                Counter({int(part): int(count) for part, count in kept["unlabelled"]}),
            )
            bad = [LeftOut(str(path), str(why)) for path, why in kept["bad"]]
    except _TORN:
        return None
    same_length = len(content.images) == len(content.labels) == len(content.parts)
    return (content, bad) if same_length and content.images.dtype == np.uint8 else None


def _crc32(file: Path) -> int:
    """The checksum of the file's bytes: against damage, at the speed of the disk; cryptographic ones take six times as long."""
    found = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            found = zlib.crc32(block, found)
    return found


@dataclass
class ImageFile:
    """The images of a set while they are written, one after the other."""

    stream: IO[bytes]
    target: Path
    shape: tuple[int, ...]
    written: int = field(default=0, init=False)
    finished: bool = field(default=False, init=False)

    def append(self, start: int, images: NDArray[np.uint8]) -> None:
        """Writes the images ``start`` … of the set, which follow those that are written."""
        assert start == self.written
        self.stream.write(np.ascontiguousarray(images).data)
        self.written += len(images)

    def finish(
        self,
        labels: NDArray[np.int64],
        parts: NDArray[np.int8],
        checksum: str,
        unlabelled: Counter[int],
        bad: Sequence[LeftOut],
    ) -> None:
        """Gives the file its true length and puts it and what belongs to it into their place."""
        self.stream.truncate()
        self.stream.seek(0)
        _write_header(self.stream, (self.written, *self.shape[1:]))
        self.stream.flush()
        os.fsync(self.stream.fileno())
        partial = Path(self.stream.name)
        beside = partial.with_suffix(f".npz{_PART}")
        with _locked(beside) as facts:
            np.savez(
                facts,
                labels=labels,
                parts=parts,
                checksum=np.array(checksum),
                crc32=np.array(_crc32(partial)),
                bad=np.array([(one.path, one.why) for one in bad], dtype=np.str_).reshape(-1, 2),
                unlabelled=np.array(list(unlabelled.items()), dtype=np.int64).reshape(-1, 2),
            )
            os.replace(beside, self.target.with_suffix(".npz"))
        os.replace(partial, self.target)
        self.finished = True


def _write_header(stream: IO[bytes], shape: tuple[int, ...]) -> None:
    """Numpy leaves room in the header for a first extent of any length, so it is as long for fewer images."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)


@contextmanager
def writing(file: Path, shape: tuple[int, ...]) -> Iterator[ImageFile]:
    """A file for at most ``shape`` images, which takes the place of ``file`` when it is finished and else is removed.

    Raises InputError naming the cache where the disk has no room for it, before and while it is written.
    """
    folder = writable_cache(file.parent)
    _remove_leftovers(folder)
    _check_room(folder, prod(shape))
    partial = folder / f"{file.stem}.{os.getpid()}-{os.urandom(3).hex()}{_PART}"
    made: ImageFile | None = None
    try:
        with _locked(partial) as stream:
            _write_header(stream, shape)
            made = ImageFile(stream, file, shape)
            yield made
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        if made is None or not made.finished:
            for left in (partial, partial.with_suffix(f".npz{_PART}")):
                with suppress(OSError):
                    left.unlink(missing_ok=True)


def _locked(path: Path) -> IO[bytes]:
    """The new file ``path``, held by this process until it is closed."""
    while True:
        stream = path.open("w+b")
        with suppress(OSError):  # a file system without locks: what is left behind there stays
            fcntl.flock(stream, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
        stream.close()  # another process took it for a leftover before it was locked


def _check_room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted + _SPARE:
        raise InputError.of(
            "NASCALE_CACHE",
            f"a folder with {(wanted + _SPARE) / 1e6:,.0f} MB of free disk for the decoded images",
            f"{folder} with {free / 1e6:,.0f} MB",
        )


def _remove_leftovers(folder: Path) -> None:
    """Removes the unfinished files of writers that are gone: a writer that lives holds a lock on its own."""
    for left in folder.glob(f"*{_PART}"):
        with suppress(OSError), left.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
