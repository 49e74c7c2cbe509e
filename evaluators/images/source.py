"""What a source of images is, and what a format has to say about itself.

A source is checked when it is opened (missing and truncated files, wrong shapes) and never holds the whole set in
memory if it can avoid it: it hands out its images in chunks. Every error names the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Chunk = tuple[NDArray[np.uint8], NDArray[np.int64], int]
    """(images (n, height, width, channels), labels (n,), part): part is an index into ``PARTS``, or -1 if unknown."""

PARTS = ("train", "validation", "test")
CHUNK = 1024
"""Images in a chunk. Checksums are taken over chunks: another number would change those that studies hold."""


@dataclass
class Source:
    """A set of images before it is read.

    ``name`` is what error messages call it, ``count`` the number of images at most, ``shape`` is (height, width,
    channels). ``chunks`` reads the images. ``fingerprint`` identifies the content for the cache ("" if it is never
    cached); ``slow`` says that decoding takes long enough to keep its result. ``skipped`` is filled while reading
    with the names of the images that were left out.
    """

    name: str
    count: int
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    chunks: Callable[[], Iterator[Chunk]]
    fingerprint: str = ""
    slow: bool = False
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SourceRequest:
    """What a format is asked to read.

    ``name`` is what error messages call it, ``location`` what follows the prefix. ``size`` is the side in pixels to which
    pictures are decoded (None: chosen from the pictures); ``skip_bad`` leaves out those that cannot be read.
    """

    name: str
    location: str
    size: int | None = None
    skip_bad: bool = False

    @property
    def path(self) -> Path:
        """The location as a path."""
        return Path(self.location).expanduser()


@dataclass(frozen=True)
class SourceFormat:
    """A format that images can be read from.

    It is chosen by ``prefix``, as in ``npz:FILE``. ``operand`` is what follows the prefix: ``FILE`` and ``DIR`` are
    checked to be there before ``read`` is called; "" means nothing. ``help`` is a line for the documentation.
    """

    prefix: str
    operand: str
    help: str
    read: Callable[[SourceRequest], Source]

    @property
    def usage(self) -> str:
        """How the format is written: ``npz:FILE``, or the bare prefix."""
        return f"{self.prefix}:{self.operand}" if self.operand else self.prefix

    def open(self, location: str, *, size: int | None = None, skip_bad: bool = False) -> Source:
        """The source at ``location``. Raises InputError for one that cannot be used."""
        if bool(location) != bool(self.operand):
            raise InputError.of("data", self.usage, f"{self.prefix}:{location}")
        name = f"data {self.prefix}:{location}" if location else f"data {self.prefix}"
        request = SourceRequest(name, location, size, skip_bad)
        wanted = {"FILE": ("a file", Path.is_file), "DIR": ("a folder", Path.is_dir)}.get(self.operand)
        if wanted is not None and not wanted[1](request.path):
            came = (
                "nothing there"
                if not request.path.exists()
                else "a folder"
                if request.path.is_dir()
                else "a file"
            )
            raise InputError.of(name, wanted[0], came)
        return self.read(request)


def fingerprint(*facts: object) -> str:
    """A digest of ``facts``, which identify the content of a source."""
    return blake2b(repr(facts).encode(), digest_size=12).hexdigest()


def stamp(path: Path) -> tuple[str, int, int]:
    """(absolute path, bytes, time of the last change in ns): what tells whether a file is still the same."""
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns
