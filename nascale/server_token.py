"""The token that opens a service: where its own process keeps it, and where a client on the same machine finds it."""

from __future__ import annotations

import os
from pathlib import Path

from space.errors import InputError

FOLDER = "nascale-service"
"""Of a service that was told no other."""
TOKEN_FILE = "token"
VARIABLE, FOLDER_VARIABLE = "NASCALE_TOKEN", "NASCALE_FOLDER"


def known_token() -> str:
    """``$NASCALE_TOKEN``, else what the folder of a service of this directory holds. Raises InputError where there is neither."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    file = Path(os.environ.get(FOLDER_VARIABLE) or FOLDER) / TOKEN_FILE
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise InputError(
            f"{VARIABLE}: wanted the token of the service, which it printed when it was started, or {file}, got neither"
        ) from None
