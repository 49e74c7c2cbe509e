"""Processes that tests start: they import the packages of this checkout, from whichever directory they run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that a test starts; ``changes`` are set in it."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def python(
    *arguments: str, cwd: Path | None = None, timeout: float = 60, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Python run with these arguments to its end; ``changes`` are set in its environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
