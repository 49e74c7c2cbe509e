"""What clients do not see of a job's log and its errors: where the storage is, and the server's folders.

The file on disk keeps them. A hidden place is written over with as many asterisks as it has bytes, so that a log that is shown has
the offsets of the file, wherever it is cut.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Self

import nascale
from evaluators.cache import cache_folder
from results.storage_url import redacted, sqlite_path, storage_url

_SHORTEST = 3
"""Of a place, in bytes: the root of the file system hides nothing."""


class Hidden:
    """Hides ``places``, wherever one of them stands in a text."""

    def __init__(self, places: Iterable[str]) -> None:
        found = {os.fsencode(place) for place in places}
        self._places = sorted(place for place in found if len(place) >= _SHORTEST)
        self._longest = max(map(len, self._places), default=0)

    @classmethod
    def of(cls, storage: str, folder: Path, sources: Iterable[str]) -> Self:
        """Hides the storage, the folder of the service, the places of images and tables (``folder:/data/photos``), and where
        the program, its caches and its user's files are."""
        url = storage_url(storage)
        places = {url, redacted(url), storage, redacted(storage)}
        file = sqlite_path(url)
        paths = [folder, Path(nascale.__file__).parent.parent, cache_folder(None), Path.home()]
        paths += [Path(prefix) for prefix in (sys.prefix, sys.base_prefix)]
        paths += [] if file is None else [file, file.parent]
        for source in sources:
            location = Path(source.partition(":")[2])
            paths += [location, location.parent] if location.is_absolute() else []
        for path in paths:
            places |= {str(path.absolute()), str(path.resolve())}
        return cls(places)

    def text(self, text: str) -> str:
        """``text`` without them."""
        return self._shown(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def piece(self, file: BinaryIO, start: int, size: int) -> bytes:
        """At most ``size`` bytes of a file from ``start`` on, without them: also where one is cut by an end of the piece."""
        before = min(start, self._longest)
        file.seek(start - before)
        return self._shown(file.read(before + size + self._longest))[before : before + size]

    def _shown(self, content: bytes) -> bytes:
        shown = bytearray(content)
        for place in self._places:
            at = content.find(place)
            while at >= 0:
                shown[at : at + len(place)] = b"*" * len(place)
                at = content.find(place, at + 1)
        return bytes(shown)
