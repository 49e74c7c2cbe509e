"""Ray's messages: kept from the terminal, in a file that is named when something went wrong, and removed if nothing did.

They come in three ways: Python's log, lines that Ray prints for its other processes, and what its C++ code writes to the
standard error stream of the driver's process.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

PREFIX = "nascale-ray-"
"""Of the names of files and folders that have to do with Ray, where temporary ones are."""
_KEPT_SECONDS = 7 * 24 * 3600.0
_LAST_BYTES = 20_000
_SUFFIX = ".log"
_OF_RAY = (
    "raylet.out",
    "raylet.err",
    "gcs_server.out",
    "gcs_server.err",
    "python-core-driver-*.log",
    "dashboard.log",
)
"""Ray's own files that say why one of its processes ended, in its folder of logs."""


class RayMessages:
    """Between ``__init__`` and ``close`` what Ray says goes to ``file``, and so does anything else that is no Python.

    Python's own standard error stream goes where it went before.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._something_wrong = False
        stream = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        sys.stderr.flush()
        self._terminal = os.dup(2)
        self._raw = _raw_of(sys.stderr)
        _move(self._raw, self._terminal)
        os.dup2(stream, 2)
        os.close(stream)
        self._handler = logging.FileHandler(file)
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._logger = logging.getLogger("ray")
        self._handlers = self._logger.handlers
        self._logger.handlers = [self._handler]
        self._print = self._catch_printed()

    def _catch_printed(self) -> Any:
        """Has lines that Ray prints for its other processes logged; gives what has printed them before."""
        from ray._private import worker

        before = getattr(worker, "print_to_stdstream", None)
        if before is not None:
            worker.print_to_stdstream = self._printed
        return before

    def _printed(self, data: dict[str, Any], ignore_prefix: bool = False) -> None:
        self._logger.warning("(%s) %s", data.get("pid"), "\n".join(map(str, data.get("lines", ()))))

    def went_wrong(self) -> None:
        """Has the file kept."""
        self._something_wrong = True

    def append(self, logs: Path) -> None:
        """If the file is kept: with the ends of the files in Ray's folder of ``logs``."""
        if self._something_wrong:
            with self.file.open("ab") as stream:
                for source in [file for name in _OF_RAY for file in sorted(logs.glob(name))]:
                    if end := _end_of(source):
                        stream.write(f"\n== the end of {source.name}\n".encode() + end)

    def close(self) -> Path | None:
        """Ray's messages go where they went before; the file if it is kept."""
        from ray._private import worker

        if self._print is not None:
            worker.print_to_stdstream = self._print
        self._logger.handlers = self._handlers
        self._handler.close()
        sys.stderr.flush()
        os.dup2(self._terminal, 2)
        _move(self._raw, 2)
        os.close(self._terminal)
        if self._something_wrong:
            return self.file
        self.file.unlink(missing_ok=True)
        return None


def remove_old(folder: Path) -> None:
    """Removes the files of messages in ``folder`` that nobody has looked after for a week."""
    for file in folder.glob(f"{PREFIX}*{_SUFFIX}"):
        try:
            if time.time() - file.stat().st_mtime > _KEPT_SECONDS:
                file.unlink()
        except OSError:
            continue  # another's


def new_file(folder: Path) -> Path:
    """The name of a file of messages in ``folder``, which says when and by which process it was begun."""
    return folder / f"{PREFIX}{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{os.urandom(2).hex()}{_SUFFIX}"


def _raw_of(stream: Any) -> io.FileIO | None:
    """What writes the stream's bytes, where that is file descriptor 2."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # the same where Python buffers nothing
    return raw if isinstance(raw, io.FileIO) and raw.fileno() == 2 else None


def _move(raw: io.FileIO | None, descriptor: int) -> None:
    """Has everything that holds the stream write to ``descriptor`` from now on."""
    if raw is not None:
        # In place: progress lines and log handlers keep the stream that they were made with.
        io.FileIO.__init__(raw, descriptor, "w", closefd=False)


def _end_of(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _LAST_BYTES))
            return stream.read()
    except OSError:
        return b""
