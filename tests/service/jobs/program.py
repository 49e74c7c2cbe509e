"""What jobs run in tests of their supervision: a small process that does what the name of its study says.

It writes a line ``NAME PID`` into the file ``begun`` of its working directory first.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

DETACHED = [sys.executable, "-I", "-S", "-c", "import os, time; os.setsid(); time.sleep(120)"]


def _stopped(number: int, _: object) -> None:
    print("stopping", flush=True)
    sys.exit(128 + number)


def main(name: str) -> None:
    """Does what ``name`` says."""
    with Path("begun").open("a") as file:
        file.write(f"{name} {os.getpid()}\n")
    kind = name.partition("-")[0]
    if kind == "error":
        print("error: data: wanted images, got 'none'", file=sys.stderr)
        sys.exit(1)
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "long":
        signal.signal(signal.SIGTERM, _stopped)
        subprocess.Popen(DETACHED)
        time.sleep(120)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("deaf", flush=True)
        time.sleep(120)
    if kind == "until":  # its file is there
        while not Path("go").exists():
            time.sleep(0.02)
        print("went", flush=True)


if __name__ == "__main__":
    main(next(a.removeprefix("--study=") for a in sys.argv if a.startswith("--study=")))
