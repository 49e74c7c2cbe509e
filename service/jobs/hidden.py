"""What clients do not see of jobs' logs and documents, of errors and of what studies keep: where the storage is, and the server's folders.

The file on disk and the database keep them. A hidden place is written over with as many asterisks as it has bytes, so that a log that is shown has
the offsets of the file, wherever it is cut.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import nascale
from evaluators.cache import cache_folder
from results.storage_url import redacted, sqlite_path, storage_url
from service.jobs.uploads import source_pattern

_SHORTEST = 3
"""Of a place, in bytes: the root of the file system hides nothing."""


class Hidden:
    """Hides ``places``, wherever one of them stands in a text. ``names`` is what sources of images are called instead; so is
    the group of ``uploads`` where that matches one.
    """

    def __init__(
        self,
        places: Iterable[str],
        names: Mapping[str, str] | None = None,
        uploads: re.Pattern[str] | None = None,
    ) -> None:
        self._uploads = uploads
        self._names = sorted((names or {}).items(), key=lambda one: -len(one[0]))
        found = {os.fsencode(place) for place in places}
        self._places = sorted(place for place in found if len(place) >= _SHORTEST)
        self._longest = max(map(len, self._places), default=0)

    @classmethod
    def of(cls, storage: str, folder: Path, sources: Mapping[str, str]) -> Self:
        """Hides the storage, the folder of the service, the places of images and tables (name → ``folder:/data/photos``), and
        where the program, its caches and its user's files are."""
        url = storage_url(storage)
        places = {url, redacted(url), storage, redacted(storage)}
        file = sqlite_path(url)
        paths = [folder, Path(nascale.__file__).parent.parent, cache_folder(None), Path.home()]
        paths += [Path(prefix) for prefix in (sys.prefix, sys.base_prefix)]
        paths += [] if file is None else [file, file.parent]
        names = {}
        for name, source in sources.items():
            location = Path(source.partition(":")[2])
            if location.is_absolute() and location != location.parent:
                paths += [location, location.parent]
                names[source] = name
        for path in paths:
            places |= {str(path.absolute()), str(path.resolve())}
        written = {json.dumps(place)[1:-1] for place in places}  # as in JSON, and in texts that stand in JSON
        places |= written | {json.dumps(place)[1:-1] for place in written}
        return cls(places, names, source_pattern(folder))

    def text(self, text: str) -> str:
        """``text`` without them, and with images by their names."""
        for source, name in self._names:
            text = text.replace(source, name)
        if self._uploads is not None:
            text = self._uploads.sub(r"\1", text)
        return self.content(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def document(self, value: Any) -> Any:
        """A JSON value with all texts in it, names of members apart, without them."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.document(one) for name, one in value.items()}
        return [self.document(one) for one in value] if isinstance(value, list | tuple) else value

    def piece(self, file: BinaryIO, start: int, size: int) -> bytes:
        """At most ``size`` bytes of a file from ``start`` on, without them: also where one is cut by an end of the piece."""
        before = min(start, self._longest)
        file.seek(start - before)
        return self.content(file.read(before + size + self._longest))[before : before + size]

    def content(self, content: bytes) -> bytes:
        """``content`` without them, of the same length."""
        shown = bytearray(content)
        for place in self._places:
            at = content.find(place)
            while at >= 0:
                shown[at : at + len(place)] = b"*" * len(place)
                at = content.find(place, at + 1)
        return bytes(shown)
