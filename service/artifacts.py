"""Files that jobs leave to be fetched, by the SHA-256 of what they hold: the same address always gives the same bytes.

Documents and tables are kept as clients may see them, without the server's places: the passport of an export names the images that
its network was trained on. Files of a network are kept as they are.
"""

from __future__ import annotations

import json
import mimetypes
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from results.files import write_file
from service.jobs.hidden import Hidden
from space.errors import InputError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PIECE = 2**20
_BINARY = "application/octet-stream"
_DOCUMENTS = frozenset({".json", ".md", ".csv", ".txt"})


@dataclass(frozen=True)
class Artifact:
    """A file: its digest in hexadecimal, the name that it had, its size in bytes."""

    sha256: str
    name: str
    bytes: int

    @property
    def media_type(self) -> str:
        """By the suffix of the name; never one that a browser would run."""
        guessed = mimetypes.guess_type(self.name)[0] or _BINARY
        return guessed if guessed in ("application/json", "text/plain", "text/csv", "image/png") else _BINARY


class Artifacts:
    """The files that are kept in one folder, in whose documents nothing ``hidden`` is told."""

    def __init__(self, folder: Path, hidden: Hidden) -> None:
        self._folder, self._hidden = folder, hidden
        self._published: dict[tuple[str, int, int], Artifact] = {}

    def publish(self, folder: Path, files: Iterable[Path]) -> list[Artifact]:
        """Keeps these files of ``folder`` under their digests; their names are paths in it."""
        return [self._keep(file, file.relative_to(folder).as_posix()) for file in files]

    def named(self, digest: str) -> tuple[Artifact, Path] | None:
        """The artifact with that digest and its file; None where there is none."""
        if not _DIGEST.fullmatch(digest):
            return None
        file, told = self._folder / digest, self._folder / f"{digest}.json"
        if not (file.is_file() and told.is_file()):
            return None
        return Artifact(**json.loads(told.read_text())), file

    def _keep(self, file: Path, name: str) -> Artifact:
        digest = sha256()
        try:
            stat = file.stat()
            mark = (str(file), stat.st_size, stat.st_mtime_ns)
            if mark in self._published:
                return self._published[mark]
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f".{os.getpid()}-{id(file)}.part"
            with part.open("wb") as target:
                for piece in self._pieces(file):
                    digest.update(piece)
                    target.write(piece)
        except OSError as error:
            raise InputError.of("artifact", "a file that can be read", f"{name} ({error.strerror})") from None
        found = Artifact(digest.hexdigest(), name, part.stat().st_size)
        shutil.move(part, self._folder / found.sha256)
        write_file(self._folder / f"{found.sha256}.json", json.dumps(asdict(found)).encode())
        self._published[mark] = found
        return found

    def _pieces(self, file: Path) -> Iterator[bytes]:
        """What clients see of a file."""
        if file.suffix in _DOCUMENTS:
            text = file.read_bytes().decode(errors="surrogateescape")
            yield self._hidden.text(text).encode(errors="surrogateescape")
            return
        with file.open("rb") as source:
            while piece := source.read(_PIECE):
                yield piece
