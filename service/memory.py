"""Memory that is given back: large studies are read again and again, and what that leaves free is not to pile up.

The C library (glibc) keeps a heap for each of many threads, and gives none of it back from which a little is still in use.
Elsewhere, nothing is done.
"""

from __future__ import annotations

import ctypes
from functools import cache

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""As malloc.h names them (mallopt(3))."""
_ALONE_BYTES = 256 * 1024
"""Blocks of this size and more are given back as soon as they are free."""


def prepare() -> None:
    """Has all threads share one heap, and large blocks stand alone. To be called before there are other threads."""
    library = _library()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, 1)
        library.mallopt(_M_MMAP_THRESHOLD, _ALONE_BYTES)


def give_back() -> None:
    """Gives the system what the heap has free."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _library() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
