"""The file of a SQLite storage, watched while a search writes to it.

An open connection goes on writing into a file that was removed, and into one that was overwritten: nothing of it would be
there afterwards. So the file's identity and its header are looked at before every write.

A header that speaks of more pages than the file has is no damage by itself: whoever folds the write-ahead log into the file writes
the first page first, and may be stopped, or killed, before the last one. The pages are in the log then, which SQLite is asked about.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from results.storage_url import sqlite_path
from space.errors import RunError

_MAGIC = b"SQLite format 3\0"
_TRIES = 5
_LOCK_SECONDS = 30.0
"""For how long SQLite may wait for others before it says whether the file is whole."""


class DatabaseFile:
    """One file, looked at by ``check``; anything but a plain SQLite URL has none and is never complained of.

    It holds the file open until ``close``, which is to be called after SQLite's own connections were closed: a process that
    closes any descriptor of a file gives up its locks on it.
    """

    def __init__(self, url: str) -> None:
        self._path: Path | None = sqlite_path(url)
        if self._path is not None:
            self._path = self._path.absolute()
            self._descriptor = os.open(self._path, os.O_RDONLY)
            found = os.fstat(self._descriptor)
            self._identity = (found.st_dev, found.st_ino)

    def check(self) -> None:
        """Raises RunError where the file was removed, replaced or damaged since it was opened."""
        if self._path is None:
            return
        try:
            found = self._path.stat()
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._identity:
            raise RunError(f"storage: {self._path} was removed or replaced while the search was running")
        if not self._is_whole():
            raise RunError(f"storage: {self._path} was overwritten or damaged while the search was running")

    def _is_whole(self) -> bool:
        for _ in range(_TRIES):
            header = os.pread(self._descriptor, 32, 0)
            # The format's documentation, §1.3: page size at 16 (1 stands for 65536), size in pages at 28.
            page = int.from_bytes(header[16:18], "big")
            size = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
            if header.startswith(_MAGIC) and size <= os.fstat(self._descriptor).st_size:
                return True
            time.sleep(0.02)
        return header.startswith(_MAGIC) and self._is_sound()

    def _is_sound(self) -> bool:
        """Whether SQLite finds all pages, in the file or in its log. It reads all of them, so it is asked only where that is in doubt."""
        assert self._path is not None
        address = f"{self._path.as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=_LOCK_SECONDS)) as connection:
                return connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
        except sqlite3.DatabaseError:
            return False

    def close(self) -> None:
        """Lets go of the file."""
        if self._path is not None:
            os.close(self._descriptor)
            self._path = None
