"""What a source of images is, and what a format has to say about itself.

A source is checked when it is opened (missing and truncated files, wrong shapes) and never holds the whole set in
memory if it can avoid it: it hands out its images in chunks. Every error names the file, and whatever a format does
not use is listed with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.images.allowance import allowed_bytes, check_bytes
from evaluators.images.files import kind_of
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Chunk = tuple[NDArray[np.uint8], NDArray[np.int64], int]
    """(images (n, height, width, channels), labels (n,), part): part is an index into ``PARTS``, or -1 if unknown.
    A label below 0 says that the image has none."""

PARTS = ("train", "validation", "test")
CHUNK = 1024
"""Images in a chunk. Checksums are taken over chunks: another number would change those that studies hold."""
_DECODING = 2
"""Goes into the name of what is cached. It rises when a format decodes files to other pixels or labels."""


@dataclass(frozen=True, order=True)
class LeftOut:
    """Something that a source holds and an image set does not: where it is in the source, and why it is left out."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} ({self.why})"


@dataclass
class Source:
    """A set of images before it is read.

    ``name`` is what error messages call it, ``count`` the number of images at most, ``shape`` is (height, width,
    channels). ``chunks`` reads the images. ``classes`` names the labels 0, 1, …; None if the labels are all that is
    known. ``fingerprint`` identifies the content for the cache ("" if it is never cached); ``slow`` says that
    decoding takes long enough to keep its result.

    ``given`` says where each split of its own comes from, by part. ``sides`` counts the pictures by their shorter
    side before decoding, if they have sizes of their own. ``left_out`` are what is not used, and ``unlabelled`` how
    many images among them have no label, by part. ``notes`` say how the source was read. ``bad`` is filled while it
    is read: pictures that cannot be decoded.
    """

    name: str
    count: int
    shape: tuple[int, int, int]
    chunks: Callable[[], Iterator[Chunk]]
    classes: tuple[str, ...] | None = None
    fingerprint: str = ""
    slow: bool = False
    given: Mapping[int, str] = field(default_factory=dict)
    sides: Counter[int] = field(default_factory=Counter)
    left_out: tuple[LeftOut, ...] = ()
    unlabelled: Mapping[int, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bad: list[LeftOut] = field(default_factory=list)

    @property
    def commonest_side(self) -> int | None:
        """The shorter side that most pictures have before decoding, the longest of several; None without sizes of their own."""
        return max(self.sides, key=lambda side: (self.sides[side], side)) if self.sides else None


@dataclass(frozen=True)
class SourceRequest:
    """What a format is asked to read.

    ``name`` is what error messages call it, ``location`` what follows the prefix. ``size`` is the side in pixels to which
    pictures are decoded (None: chosen from the pictures); ``skip_bad`` leaves out those that cannot be read. The images
    may take ``max_bytes`` once they are unpacked.
    """

    name: str
    location: str
    size: int | None = None
    skip_bad: bool = False
    max_bytes: int = field(default_factory=allowed_bytes)

    @property
    def path(self) -> Path:
        """The location as a path."""
        return Path(self.location).expanduser()


@dataclass(frozen=True)
class SourceFormat:
    """A format that images can be read from.

    It is chosen by ``prefix``, as in ``npz:FILE``. ``operand`` is what follows the prefix: ``FILE`` and ``DIR`` are
    checked to be there before ``read`` is called; "" means nothing. ``help`` is a line for the documentation.
    ``marks`` are patterns of file names, of which one in a folder (or the FILE's own) tells that the format may read it.
    """

    prefix: str
    operand: str
    help: str
    read: Callable[[SourceRequest], Source]
    marks: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """How the format is written: ``npz:FILE``, or the bare prefix."""
        return f"{self.prefix}:{self.operand}" if self.operand else self.prefix

    def open(
        self,
        location: str,
        *,
        size: int | None = None,
        skip_bad: bool = False,
        max_bytes: int | None = None,
    ) -> Source:
        """The source at ``location``. Raises InputError for one that cannot be used, or is larger than ``max_bytes``."""
        if bool(location) != bool(self.operand):
            raise InputError.of("data", self.usage, f"{self.prefix}:{location}")
        name = f"data {self.prefix}:{location}" if location else f"data {self.prefix}"
        request = SourceRequest(name, location, size, skip_bad, allowed_bytes(max_bytes))
        wanted = {"FILE": "a file", "DIR": "a folder"}.get(self.operand)
        if wanted is not None and (came := kind_of(request.path)) != wanted:
            raise InputError.of(name, wanted, came)
        source = self.read(request)
        check_bytes(name, source.count * prod(source.shape), request.max_bytes)
        return source


def fingerprint(*facts: object) -> str:
    """A digest of ``facts``, which identify the content of a source."""
    return blake2b(repr((_DECODING, *facts)).encode(), digest_size=12).hexdigest()


def stamp(path: Path) -> tuple[str, int, int]:
    """(absolute path, bytes, time of the last change in ns): what tells whether a file is still the same."""
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns
