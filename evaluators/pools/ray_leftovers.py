"""What a local Ray leaves behind when its driver is killed: processes and a folder. Found, and removed.

Run as a program beside a driver (``ray_leftovers.py DRIVER FOLDER``) it waits for the driver to be gone and then does
just that: Ray's own processes notice it too, but some only after a minute, and some never. It needs nothing but Python,
and is no child of Ray's, so neither Ctrl-C nor whatever killed the driver ends it.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "NASCALE_RAY_FOLDER"
"""The environment variable by which every process of a Ray knows its folder, however it was started."""
_END_SECONDS = 5.0
_LOOK_SECONDS = 0.5


def processes_of(folder: Path) -> Iterator[int]:
    """The processes that were started with the ``folder`` in their environment; none where the system has no /proc."""
    mark = f"{MARK}={folder}".encode()
    for entry in os.scandir("/proc") if os.path.isdir("/proc") else ():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                with open(f"/proc/{entry.name}/environ", "rb") as stream:
                    found = mark in stream.read().split(b"\0")
            except OSError:
                continue  # it has ended, or is another user's
            if found:
                yield int(entry.name)


def messages_of(folder: Path) -> Path:
    """The file beside ``folder`` with what Ray has said."""
    return folder.with_name(f"{folder.name}.log")


def remove(folder: Path) -> None:
    """Kills the processes of ``folder``, those included that they start meanwhile, and removes it; its messages, if there are
    any, stay."""
    end = time.monotonic() + _END_SECONDS
    while time.monotonic() < end:
        left = list(processes_of(folder))
        if not left:
            break
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if messages_of(folder).stat().st_size == 0:
            messages_of(folder).unlink()
    except OSError:
        pass


def _wait_for(driver: int) -> None:
    """Returns when the process that has started this one has ended."""
    try:
        gone = os.pidfd_open(driver)
    except (AttributeError, OSError):  # no Linux, an old one, or it has ended already
        gone = -1
    if gone >= 0 and os.getppid() == driver:
        select.select([gone], [], [])
    while os.getppid() == driver:
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    _wait_for(int(sys.argv[1]))
    remove(Path(sys.argv[2]))
