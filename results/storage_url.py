"""Storage URLs: one reading of them for all, and no password of one in any message.

A storage is named by an Optuna (SQLAlchemy) URL or by the path of a SQLite file. Searches and readers take the
same file for the same text: escapes such as ``%20`` mean what SQLAlchemy takes them for.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

from space.errors import InputError

DEFAULT_STORAGE = "sqlite:///nascale.db"
STORAGE_VARIABLE = "NASCALE_STORAGE"
_LONGEST_PATH = 4000
# From the colon behind the user's name to the last @ : an unescaped @, / or : belongs to the password.
_PASSWORD = re.compile(r"(://[^:/\s]*:)([\s\S]*)@")
_QUERY_PASSWORD = re.compile(r"((?:password|passwd|pwd)=)[^&\s]*", re.IGNORECASE)


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
    """``text`` without the password of a URL in it, fit for messages and reports."""
    return _QUERY_PASSWORD.sub(r"\1***", _PASSWORD.sub(r"\1***@", text))


def without_password(reason: str, url: str) -> str:
    """``reason``, a message of a database or its driver, without the password of ``url``.

    Drivers quote a part of a URL that they cannot read, so every piece of the password is taken out.
    """
    found = _PASSWORD.search(url)
    if found is None:
        return redacted(reason)
    secret = found[2]
    pieces = {secret, unquote(secret), *re.split(r"[@/:?#]", secret), *re.split(r"[@/:?#]", unquote(secret))}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) > 2:
            reason = reason.replace(piece, "***")
    return redacted(reason)
