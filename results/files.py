"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from space.errors import InputError


@contextmanager
def replacing(path: str | os.PathLike[str], argument: str) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` in one step once all is written.

    Raises InputError naming ``argument`` where the path cannot be written; what was there before then stays.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o644)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise InputError.of(argument, "a path that can be written", f"{path} ({error.strerror})") from None


def write_file(path: str | os.PathLike[str], content: bytes, argument: str = "--output") -> None:
    """Writes ``content`` whole or not at all. Raises InputError where the path cannot be written."""
    with replacing(path, argument) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | os.PathLike[str], document: Mapping[str, Any], argument: str = "--output") -> None:
    """Writes ``document`` as indented JSON, whole or not at all; raises ValueError for numbers that JSON lacks."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_file(path, f"{text}\n".encode(), argument)
