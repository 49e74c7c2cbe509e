"""How many bytes the images of a set may take once they are unpacked.

A file of a few megabytes can say that it holds terabytes, and a compressed one can hold them. Formats therefore read
the sizes that headers state, and compare them with what is allowed, before they unpack anything.
"""

from __future__ import annotations

from evaluators.machine import memory_bytes
from space.errors import InputError

_MEMORY_UNKNOWN = 2**33


def allowed_bytes(asked: int | None = None) -> int:
    """What was asked for, else the memory of this machine (of this container, where it has less)."""
    if asked is None:
        return memory_bytes() or _MEMORY_UNKNOWN
    if asked < 1:
        raise InputError.of("max_image_bytes", "a positive number of bytes", asked)
    return asked


def check_bytes(name: str, wanted: int, most: int, what: str = "images") -> None:
    """Raises InputError naming ``name`` where ``what`` takes more than ``most`` bytes."""
    if wanted > most:
        raise InputError(
            f"{name}: wanted {what} of at most {_shown(most)} (--max-image-bytes), got {_shown(wanted)}"
        )


def _shown(count: int) -> str:
    return f"{count:,} bytes" if count < 10**7 else f"{count / 1e6:,.0f} MB"
