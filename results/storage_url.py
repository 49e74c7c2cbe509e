"""Storage URLs: one reading of them for all, and no password of one in any message.

A storage is named by an Optuna (SQLAlchemy) URL or by the path of a SQLite file. Searches and readers take the
same file for the same text: escapes such as ``%20`` mean what SQLAlchemy takes them for.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, unquote_plus

from space.errors import InputError

DEFAULT_STORAGE = "sqlite:///nascale.db"
STORAGE_VARIABLE = "NASCALE_STORAGE"
_LONGEST_PATH = 4000
# From the colon behind the user's name to the last @ : an unescaped @, / or : belongs to the password.
_PASSWORD = re.compile(r"(://[^:/\s]*:)([\s\S]*)@")
# An option of the URL, up to the next one: its name may be escaped, too.
_OPTION = re.compile(r"[?&;]([^=&?;\s]+)=([^&\s'\"]*)")


def default_storage() -> str:
    """Where studies are kept if nothing else was said: ``$NASCALE_STORAGE``, or ``sqlite:///nascale.db``."""
    return os.environ.get(STORAGE_VARIABLE) or DEFAULT_STORAGE


def storage_url(storage: str | os.PathLike[str] | None = None) -> str:
    """The URL of a storage: as given, or ``$NASCALE_STORAGE``, or ``sqlite:///nascale.db``.

    A bare path means a SQLite file of exactly that name. Raises InputError for an in-memory SQLite URL, which
    holds nothing.
    """
    text = os.fspath(storage) if storage else default_storage()
    # In a path, % and ? are plain characters; in a URL they begin an escape and the options.
    url = text if "://" in text else f"sqlite:///{text.replace('%', '%25').replace('?', '%3F')}"
    if url.startswith("postgresql://") and find_spec("psycopg2") is None:
        # SQLAlchemy's default driver is psycopg2; the extra "postgresql" of this project brings its successor.
        url = url.replace("postgresql", "postgresql+psycopg", 1)
    path = sqlite_path(url)
    if path is not None and (
        len(str(path)) > _LONGEST_PATH or any(len(os.fsencode(n)) > 255 for n in path.parts) or "\0" in url
    ):
        raise InputError.of("storage", "the path of a SQLite file, or a database URL", text)
    if url.startswith("sqlite:") and path in (Path(""), Path(":memory:")):
        raise InputError.of("storage", "a database that outlives the process", text)
    return url


def sqlite_path(url: str) -> Path | None:
    """The file behind a plain ``sqlite:///`` URL; None for every other kind of database."""
    if not url.startswith("sqlite:///"):
        return Path("") if url == "sqlite://" else None
    name, _, options = url.removeprefix("sqlite:///").partition("?")
    # With uri=true the name is SQLite's own URI, which SQLAlchemy knows how to pass on.
    return None if "uri=true" in options else Path(unquote(name))


def braced(url: str) -> str:
    """``url`` as Optuna wants it: it fills what stands in braces."""
    return url.replace("{", "{{").replace("}", "}}")


def redacted(text: str) -> str:
    """``text`` without the passwords of a URL in it, fit for messages and reports.

    Both places of a password are looked for in the text as it came: which characters belong to it cannot be told where
    it is not escaped, so what may belong to it is hidden too.
    """
    hidden = [found.span(2) for found in _PASSWORD.finditer(text)]
    hidden += [found.span(2) for found in _OPTION.finditer(text) if _is_secret(found[1])]
    shown, end = [], 0
    for start, stop in sorted(hidden):
        if stop <= end:
            continue
        if start >= end:
            shown += [text[end:start], "***"]
        end = stop
    return "".join([*shown, text[end:]])


def _is_secret(option: str) -> bool:
    name = unquote(option).lower()
    return any(word in name for word in ("pass", "pwd", "secret", "token"))


def _secrets(url: str) -> set[str]:
    """The passwords in a URL, and every piece of them that a driver may take for something else."""
    found = [m[2] for m in _PASSWORD.finditer(url)]
    found += [m[2] for m in _OPTION.finditer(url) if _is_secret(m[1])]
    whole = {form for secret in found for form in (secret, unquote(secret), unquote_plus(secret))}
    return whole | {piece for secret in whole for piece in re.split(r"[@/:?#&]", secret)}


def without_password(reason: str, url: str) -> str:
    """``reason``, a message of a database or its driver, without the password of ``url``.

    Drivers quote a part of a URL that they cannot read, so every piece of the password is taken out.
    """
    for piece in sorted(_secrets(url), key=len, reverse=True):
        if len(piece) > 2:
            reason = reason.replace(piece, "***")
    return redacted(reason)
