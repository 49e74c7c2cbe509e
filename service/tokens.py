"""The token that opens the service: the user's own, or one made at the first start and kept in a file of mode 600."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from nascale.server_token import TOKEN_FILE
from service.settings import Settings
from space.errors import InputError

SHORTEST = 16
"""Letters of a token with which other machines may be let in."""


@dataclass(frozen=True)
class Token:
    """The token; ``made`` says that it is new, so that it is to be printed once."""

    text: str
    file: Path | None
    made: bool = False


def token_of(settings: Settings) -> Token:
    """The token of the settings, else that of the service's folder, which is made where there is none.

    Raises InputError for an interface that other machines reach without a token of the user's own.
    """
    if settings.token is not None:
        text = settings.token.get_secret_value()
        if not text.isascii() or not text.isprintable() or not text or " " in text:
            raise InputError("NASCALE_TOKEN: wanted printable letters without blanks, got others")
        if not settings.is_loopback and len(text) < SHORTEST:
            raise InputError(
                f"NASCALE_TOKEN: wanted {SHORTEST} letters or more for an interface that other machines reach, got {len(text)}"
            )
        return Token(text, None)
    if not settings.is_loopback:
        wanted = "NASCALE_TOKEN in the environment, for an interface that other machines reach"
        raise InputError.of("host", wanted, settings.host)
    return _kept(settings.folder / TOKEN_FILE)


def _kept(file: Path) -> Token:
    """The token in the file, which is made where there is none; nobody else may read it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            file.chmod(0o600)
            text = file.read_text(encoding="ascii").strip()
            if len(text) >= SHORTEST:
                return Token(text, file)
        text = secrets.token_urlsafe(32)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(text + "\n")
    except (OSError, ValueError) as error:
        raise InputError.of("folder", "a folder that can be written", f"{file} ({error})") from None
    return Token(text, file, made=True)
