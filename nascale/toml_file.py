"""Reads a TOML file, with errors in one line."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from space.errors import InputError


def read_toml(path: str | os.PathLike[str], argument: str = "SPEC") -> dict[str, Any]:
    """The document at ``path``. Raises InputError naming ``argument`` if it cannot be read or is no TOML."""
    name = os.fspath(path)
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of(argument, "a TOML file that can be read", f"{name} ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.of(argument, "a TOML file", f"{name} ({error})") from None
