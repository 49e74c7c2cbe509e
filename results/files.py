"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from space.errors import InputError

_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 100


def file_name(text: str) -> str:
    """A name for files about what is called ``text``: itself where that is one, else its letters and a digest.

    Names that differ give different file names: ``a/b`` and ``a b`` do not share theirs, nor with ``a-b``.
    """
    plain = _STRANGE.sub("-", text).strip("-.")[:_LONGEST]
    if plain == text:
        return text
    return f"{plain or 'study'}-{blake2b(text.encode(errors='surrogatepass'), digest_size=4).hexdigest()}"


@contextmanager
def replacing(path: str | os.PathLike[str], argument: str) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` in one step once all is written.

    Raises InputError naming ``argument`` where the path cannot be written; what was there before then stays. A device
    or a pipe, such as ``/dev/stdout``, is written to and never replaced.
    """
    target = Path(path)
    try:
        through = target.exists() and not (target.is_file() or target.is_dir())
        folder = None if through else target.parent
        handle, name = tempfile.mkstemp(
            dir=folder, prefix=f".{target.stem[:_LONGEST]}.", suffix=target.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            if through:
                with temporary.open("rb") as file, target.open("wb") as end:
                    shutil.copyfileobj(file, end)
                temporary.unlink()
                return
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
    except ValueError as error:  # a null byte in the path
        if "null" not in str(error):
            raise
        raise InputError.of(argument, "a path that can be written", f"{path} ({error})") from None


def write_file(path: str | os.PathLike[str], content: bytes, argument: str = "--output") -> None:
    """Writes ``content`` whole or not at all. Raises InputError where the path cannot be written."""
    with replacing(path, argument) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | os.PathLike[str], document: Mapping[str, Any], argument: str = "--output") -> None:
    """Writes ``document`` as indented JSON, whole or not at all; raises ValueError for numbers that JSON lacks."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_file(path, f"{text}\n".encode(), argument)
