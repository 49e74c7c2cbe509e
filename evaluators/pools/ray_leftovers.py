"""What a local Ray leaves behind when its driver is killed: processes and a folder. Found, and removed.

Run as a program beside a driver (``ray_leftovers.py DRIVER FOLDER``) it waits for the driver to be gone and then does
just that: Ray's own processes notice it too, but some only after a minute, and some never. It needs nothing but Python,
and is no child of Ray's, so neither Ctrl-C nor whatever killed the driver ends it.

Ray's code in C++ ends the driver itself, on the spot and without a word, where the raylet dies in the moments in which the
driver joins it. No code in the driver can prevent that; but Ray writes the reason to its log, and this program says so.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "NASCALE_RAY_FOLDER"
"""The environment variable by which every process of a Ray knows its folder, however it was started."""
_END_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_LAST_BYTES = 20_000
_ENDED_BY_RAY = (
    "Failed to get the system config from raylet",
    "Failed to register worker to Raylet",
    "The connection to the plasma store is failed",
    "Exiting because the Raylet IPC connection failed",
    "Failed to connect to GCS within",
    "Check failed:",
)
"""The last words of a driver that Ray has ended (core_worker_process.cc, connection.cc, raylet_ipc_client.cc …)."""


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


def programs_of(folder: Path) -> set[str]:
    """The names of the programs that the processes of ``folder`` run."""
    found = set()
    for process in processes_of(folder):
        try:
            found.add(Path(f"/proc/{process}/comm").read_text().strip())
        except OSError:
            continue  # it has ended
    return found


def last_words(folder: Path) -> str:
    """Why Ray has ended the driver of ``folder``, in Ray's words; empty where it has not."""
    logs = folder / "ray" / "session_latest" / "logs"
    for file in [*logs.glob("python-core-driver-*.log"), messages_of(folder)]:
        try:
            with file.open("rb") as stream:
                stream.seek(max(0, file.stat().st_size - _LAST_BYTES))
                lines = stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in reversed(lines):
            if any(words in line for words in _ENDED_BY_RAY):
                return line
    return ""


def say_last_words(folder: Path) -> None:
    """Says it on the standard error stream, which the driver's is too, and keeps Ray's words with its messages."""
    words = last_words(folder)
    if words:
        with messages_of(folder).open("a") as stream:
            stream.write(f"{words}\n")
        print(
            "error: workers: wanted a Ray that stays, got one of which a process had ended, and which then ended this one "
            f"too; the same command goes on. Ray's messages are in {messages_of(folder)}",
            file=sys.stderr,
            flush=True,
        )


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
    with suppress(OSError):  # nobody listens, or there is no room
        say_last_words(Path(sys.argv[2]))
    os.close(2)  # whoever reads what the driver says need not wait for the rest
    remove(Path(sys.argv[2]))
