"""Files and folders of an image set: a walk that opens nothing but regular files and names all that it passes by."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from results.shortening import printable

_SYSTEM_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass
class Folder:
    """A folder: its regular files and folders in the order of their names, and (path, why) of all that is neither."""

    path: Path
    files: list[Path] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    others: list[tuple[Path, str]] = field(default_factory=list)

    def all_files(self) -> Iterator[Path]:
        """The files in it and in the folders below, in the order of their paths."""
        found = [*self.files]
        for folder in self.folders:
            found += folder.all_files()
        return iter(sorted(found))

    def all_others(self) -> Iterator[tuple[Path, str]]:
        """What was passed by in it and in the folders below."""
        yield from self.others
        for folder in self.folders:
            yield from folder.all_others()


def kind_of(path: Path) -> str:
    """What is at ``path``: "a file", "a folder", or why it can be neither read nor entered. Opens nothing."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a loop of links"
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return "a link to nothing" if path.is_symlink() else "nothing there"
        return str(error.strerror).lower()
    except ValueError:  # a null byte in the path
        return "nothing there"
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "a device")


def walk(path: Path, above: tuple[str, ...] = ()) -> Folder:
    """The tree of ``path``. Links are followed, but not in circles; hidden files and those of the system are named.

    ``above`` holds the real paths of the folders that lead here (by default those above the real path).
    """
    here = os.path.realpath(path)
    found, trail = Folder(path), (*(above or map(str, Path(here).parents)), here)
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        found.others.append((path, f"cannot be opened: {error.strerror}"))
        return found
    for entry in entries:
        kind = kind_of(entry)
        if entry.name.startswith(".") or entry.name.lower() in _SYSTEM_NAMES:
            found.others.append((entry, "hidden" if entry.name.startswith(".") else "made by the system"))
        elif kind == "a file":
            found.files.append(entry)
        elif kind != "a folder":
            found.others.append((entry, kind))
        elif os.path.realpath(entry) in trail:
            found.others.append((entry, "a loop of links"))
        else:
            found.folders.append(walk(entry, trail))
    return found


def shown(path: Path | str) -> str:
    """``path`` as it can be printed on one line: bytes that are no UTF-8 and control characters are escaped."""
    return printable(os.fsencode(path).decode("utf-8", "backslashreplace"))
