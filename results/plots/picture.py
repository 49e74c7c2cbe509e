"""A picture as a file: which forms there are, whether a path can be written, and writing it whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from space.errors import InputError

SUFFIXES = (".png", ".svg", ".pdf")


def check_picture(path: str | os.PathLike[str], argument: str = "--output") -> None:
    """Raises InputError naming ``argument`` for a picture that ``save`` could not write: before the work is done."""
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise InputError.of(argument, f"a file that ends in {', '.join(SUFFIXES)}", str(path))
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise InputError.of(argument, "a path that can be written", str(path))


def save(figure: Figure, path: str | os.PathLike[str], argument: str = "--output") -> Path:
    """Writes the figure whole or not at all, in the form its suffix names. Raises InputError naming ``argument``."""
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise InputError.of(argument, f"a file that ends in {', '.join(SUFFIXES)}", str(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}{target.suffix}")
    try:
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "nascale"}):
            figure.savefig(temporary, metadata={"Date": None} if target.suffix.lower() == ".svg" else None)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError.of(argument, "a path that can be written", f"{path} ({error.strerror})") from None
    return target
