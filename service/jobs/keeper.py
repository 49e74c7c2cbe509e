"""The process above a job's process: it stays when the service is gone, and writes down how the job ended.

It is run as a file, without the project (``python -I -S keeper.py FOLDER WORK MARK COMMAND …``), so that it is small and starts
at once. It begins a session, and its child a group, which works in the directory WORK. In FOLDER it writes ``process.json`` when the child runs, and ``exit.json``
when that has ended and nothing that it has started is left: every process of a job has ``NASCALE_JOB=MARK`` in its
environment, whatever group or parent it has come to.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

VARIABLE = "NASCALE_JOB"
PROCESS, EXIT = "process.json", "exit.json"
_GRACE_SECONDS = 2.0
"""For how long what is left behind may end by itself before it is killed, where the child ended in order."""


def began(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None where it is gone, also if nobody waited for it (or no /proc).

    Raises OSError where that cannot be seen now, as too many files are open: nobody is to be given up for that.
    """
    try:
        with open(f"/proc/{pid}/stat") as file:
            state, *rest = file.read().rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
        return None


def marks() -> dict[int, str]:
    """The processes of jobs on this machine, of whichever service: number → mark."""
    found = {}
    try:
        entries = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return {}
    start = f"{VARIABLE}=".encode()
    for pid in entries:
        with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            for entry in file.read().split(b"\0"):
                if entry.startswith(start) and began(pid) is not None:
                    found[pid] = entry[len(start) :].decode(errors="replace")
    return found


def marked(mark: str) -> set[int]:
    """The processes of one attempt of a job."""
    return {pid for pid, found in marks().items() if found == mark}


def kill_marked(mark: str, spared: frozenset[int] = frozenset()) -> bool:
    """Kills the processes of one attempt of a job, and those that they start meanwhile; whether none is left."""
    for _ in range(100):
        left = marked(mark) - spared
        if not left:
            return True
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return False


def write(folder: str, name: str, document: dict[str, object]) -> None:
    """Writes a small JSON file whole or not at all."""
    path = os.path.join(folder, name)
    with open(f"{path}.new", "w") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


def main(folder: str, work: str, mark: str, command: list[str]) -> None:
    """Runs the command to its end."""
    os.setsid()
    os.chdir(work)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # unlike SIG_IGN, a handler is not passed on to the child
    child = subprocess.Popen(command, process_group=0)
    own = os.getpid()
    write(
        folder,
        PROCESS,
        {"mark": mark, "keeper": [own, began(own)], "driver": [child.pid, began(child.pid)]},
    )
    status = child.wait()
    until = time.monotonic() + (_GRACE_SECONDS if status >= 0 else 0.0)
    while marked(mark) - {own} and time.monotonic() < until:
        time.sleep(0.05)
    kill_marked(mark, frozenset({own}))
    write(folder, EXIT, {"mark": mark, "status": status})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
