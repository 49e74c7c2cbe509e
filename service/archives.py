"""Zip archives that somebody sent: every entry is looked at before any is unpacked, and unpacking keeps to what entries say."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nascale.quantities import human_bytes
from space.errors import InputError, quoted

_DEEPEST = 12
_LONGEST = 240
_STRANGE = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")
_ENCRYPTED = 0x1
_SMALL = 2**20
"""Bytes up to which a file may be packed as tightly as it likes: an empty picture is."""
_PIECE = 2**20
# zipfile refuses passwords and kinds of compression that it does not know by RuntimeErrors.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold: ``files``, ``bytes`` of all of them once unpacked, ``ratio`` of unpacked to packed bytes."""

    files: int
    bytes: int
    ratio: int


def is_zip(file: Path) -> bool:
    """Whether it is a zip archive, by what it holds."""
    try:
        return zipfile.is_zipfile(file)
    except OSError:
        return False


def checked(file: Path, limits: Limits) -> list[zipfile.ZipInfo]:
    """The files in the archive. Raises InputError naming the entry that leads out of it, is none, or is too large."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except _UNREADABLE as error:
        raise _damaged(error) from None
    if len(entries) > limits.files:
        raise InputError(f"upload: wanted at most {limits.files:,} files, got {len(entries):,}")
    files, whole, seen = [], 0, set()
    for entry in entries:
        _check_name(entry)
        if entry.is_dir():
            continue
        _check_kind(entry)
        whole += entry.file_size
        if whole > limits.bytes:
            raise InputError(f"upload: wanted at most {human_bytes(limits.bytes)} once unpacked, got more")
        if entry.file_size > _SMALL and entry.file_size > limits.ratio * entry.compress_size:
            raise InputError(
                f"upload: wanted files packed at most {limits.ratio} to 1, got {quoted(entry.filename)} with "
                f"{human_bytes(entry.file_size)} in {human_bytes(entry.compress_size)}"
            )
        name = str(PurePosixPath(entry.filename)).casefold()
        if name in seen:
            raise InputError(f"upload: wanted each file once, got {quoted(entry.filename)} again")
        seen.add(name)
        files.append(entry)
    if not files:
        raise InputError("upload: wanted an archive with files, got none")
    packed = file.stat().st_size
    if whole > _SMALL and whole > limits.ratio * packed:
        raise InputError(
            f"upload: wanted an archive packed at most {limits.ratio} to 1, got {human_bytes(whole)} in {human_bytes(packed)}"
        )
    return files


def is_npz(files: list[zipfile.ZipInfo]) -> bool:
    """Whether the archive is a file of numpy's arrays."""
    return all(entry.filename.endswith(".npy") and "/" not in entry.filename for entry in files)


def unpack(file: Path, files: list[zipfile.ZipInfo], folder: Path) -> None:
    """Unpacks checked ``files`` below ``folder``. Raises InputError for one that holds more than it says, or cannot be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in files:
                target = folder.joinpath(*PurePosixPath(entry.filename).parts)
                if not target.resolve().is_relative_to(folder.resolve()):
                    raise _leads_out(entry)
                target.parent.mkdir(parents=True, exist_ok=True)
                left = entry.file_size
                with archive.open(entry) as packed, target.open("xb") as unpacked:
                    while piece := packed.read(min(_PIECE, left + 1)):
                        left -= len(piece)
                        if left < 0:
                            raise InputError(
                                f"upload: wanted {quoted(entry.filename)} of the size it says, got more"
                            )
                        unpacked.write(piece)
    except InputError:
        raise
    except _UNREADABLE as error:
        raise _damaged(error) from None


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or _STRANGE.search(name) or not parts:
        raise _leads_out(entry)
    if len(parts) > _DEEPEST or any(len(part.encode(errors="replace")) > _LONGEST for part in parts):
        raise InputError(
            f"upload: wanted at most {_DEEPEST} folders and {_LONGEST} letters a name, got {quoted(name)}"
        )


def _check_kind(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise InputError(
            f"upload: wanted plain files, got {quoted(entry.filename)}, which is a link or a device"
        )
    if entry.flag_bits & _ENCRYPTED:
        raise InputError(f"upload: wanted files without a password, got {quoted(entry.filename)}")


def _leads_out(entry: zipfile.ZipInfo) -> InputError:
    return InputError(f"upload: wanted names inside the archive, got {quoted(entry.filename)}")


def _damaged(error: Exception) -> InputError:
    return InputError(
        f"upload: wanted a zip archive that can be read, got a damaged one ({' '.join(str(error).split())})"
    )
