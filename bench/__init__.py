"""Measurements of speed, beside what else there is: ``python -m bench.NAME``. ``make bench`` runs them all."""

from __future__ import annotations

import sys
from importlib.util import find_spec

EXTRA = "bench"
"""The extra of this project that brings the libraries to compare with."""


def require(*modules: str) -> None:
    """Ends the program with exit status 2 and one line that names the extra, if a module is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        print(f"error: {', '.join(missing)}: not installed; {advice()}", file=sys.stderr)
        sys.exit(2)


def advice() -> str:
    """How to get what is missing."""
    return f"the extra {EXTRA!r} brings it (make bench, or pip install -e '.[{EXTRA}]')"
