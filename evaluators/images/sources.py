"""Sources of images by name: ``digits``, ``npz:FILE``, ``folder:DIR`` and whatever else ``formats`` holds.

Imports neither torch nor numpy: the help of the command line is made here.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from evaluators.images import formats
from evaluators.images.files import kind_of
from evaluators.images.source import Source, SourceFormat
from evaluators.registry import entries
from space.errors import InputError, UnknownNameError

SOURCES: dict[str, SourceFormat] = entries(formats, SourceFormat, lambda one: one.prefix)
"""The formats by prefix."""


def open_source(
    text: str, *, size: int | None = None, skip_bad: bool = False, max_bytes: int | None = None
) -> Source:
    """The source that ``text`` names, as ``npz:FILE``.

    Pictures are decoded to ``size`` pixels; ``skip_bad`` leaves out those that cannot be read. The images may take
    ``max_bytes`` (None: the memory of this machine). Raises UnknownNameError
    for an unknown prefix and InputError naming the file for a source that cannot be used.
    """
    prefix, _, location = text.partition(":")
    if prefix not in SOURCES:
        offered = _offered(Path(text).expanduser())
        if offered:
            raise InputError.of("data", f"{offered}:{text}, with the format in front of the path", text)
        raise UnknownNameError("data", prefix, SOURCES)
    return SOURCES[prefix].open(location, size=size, skip_bad=skip_bad, max_bytes=max_bytes)


def _offered(path: Path) -> str | None:
    """The prefix that most likely reads what is at ``path``; None if nothing is there that could be read."""
    kind = kind_of(path)
    if kind not in ("a file", "a folder"):
        return None
    is_file = kind == "a file"
    names = [path.name.lower()] if is_file else [entry.name for entry in path.iterdir()]
    fitting = (one for one in SOURCES.values() if (one.operand == "FILE") == is_file)
    marked = (one.prefix for one in fitting if any(fnmatch(n, m) for m in one.marks for n in names))
    return next(marked, None if is_file else "folder")


def source_help() -> str:
    """All formats as they are written, for the help of an option: "cifar10:DIR, …, idx:DIR or npz:FILE"."""
    *first, last = (one.usage for one in SOURCES.values())
    return f"{', '.join(first)} or {last}"
