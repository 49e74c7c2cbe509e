"""Text files that people give: read up to a bound, with errors in one line; TOML among them."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from space.errors import InputError

MOST_TEXT = 64 * 2**20
"""Bytes of a text that is read: a device such as /dev/zero never ends."""


def read_text_file(path: str | os.PathLike[str], argument: str, what: str) -> bytes:
    """The bytes of the file at ``path``, which is to be ``what`` ("a TOML file"). Raises InputError naming ``argument``."""
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_TEXT + 1)
    except OSError as error:
        raise InputError.of(argument, f"{what} that can be read", f"{name} ({error.strerror})") from None
    except ValueError as error:  # a null byte in the path
        raise InputError.of(argument, f"{what} that can be read", f"{name} ({error})") from None
    if len(content) > MOST_TEXT:
        raise InputError.of(
            argument, f"{what} of at most {MOST_TEXT // 2**20} MiB", f"{name}, which is larger"
        )
    return content


def read_toml(path: str | os.PathLike[str], argument: str = "SPEC") -> dict[str, Any]:
    """The document at ``path``. Raises InputError naming ``argument`` if it cannot be read or is no TOML."""
    content = read_text_file(path, argument, "a TOML file")
    try:
        return tomllib.loads(content.decode("utf-8").replace("\r\n", "\n"))
    except (
        ValueError,
        RecursionError,
    ) as error:  # no TOML, no UTF-8, a number of 5,000 digits, tables without end
        raise InputError.of(argument, "a TOML file", f"{os.fspath(path)} ({error})") from None
