"""The cache folder: decoded images, trained supernets and the speed of this machine are kept there."""

from __future__ import annotations

import os
from pathlib import Path

from space.errors import InputError


def cache_folder(cache: str | Path | None = None) -> Path:
    """``cache`` where it is given, else ``NASCALE_CACHE``, else ``~/.cache/nascale``. The folder may not exist."""
    if cache is not None:
        return Path(cache)
    return Path(os.environ.get("NASCALE_CACHE") or Path.home() / ".cache" / "nascale")


def writable_cache(cache: str | Path | None = None) -> Path:
    """The cache folder, created if necessary. Raises InputError if it cannot be written."""
    folder = cache_folder(cache)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    if not os.access(folder, os.W_OK):
        raise unwritable(folder, PermissionError("no permission"))
    return folder


def unwritable(path: Path, error: Exception) -> InputError:
    """The error for a path in the cache that cannot be written."""
    reason = " ".join(str(error).split())
    return InputError.of("NASCALE_CACHE", "a folder that can be written", f"{path} ({reason})")
