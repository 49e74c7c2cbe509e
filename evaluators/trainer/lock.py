"""One training at a time in a folder: a lock that the system takes back when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results.driver import Driver
from space.errors import InputError

LOCK = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a run's ``last`` folder, which exists, and writes the process into it.

    Raises InputError (``--out``) where another process trains there.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError.of("--out", "a folder that can be written", f"{folder} ({error.strerror})") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(folder) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(Driver.this().to_json()).encode(), 0)
        yield
    finally:
        os.close(handle)


def check_unlocked(folder: Path) -> None:
    """Raises InputError (``--out``) where a process trains in the folder ``last`` of a run."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(folder) from None
    finally:
        os.close(handle)


def _busy(folder: Path) -> InputError:
    try:
        driver = Driver.of_json(json.loads((folder / LOCK).read_bytes()))
    except (OSError, ValueError):
        driver = None
    who = f"which {driver.told(time.time()) if driver else 'another process'} is training"
    return InputError.of("--out", "a run that nobody is training", f"{folder.parent}, {who}")
