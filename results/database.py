"""Reading an Optuna database with plain SQL, in one consistent snapshot, without loading Optuna.

Listing or drawing a study needs a handful of SELECTs; starting Optuna's own storage for it would migrate
schemas and could create files. A SQLite file is opened read-only, so that looking at a study never
creates, upgrades or blocks it. Any other URL goes through SQLAlchemy with the same statements.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from space.errors import InputError

DEFAULT_STORAGE = "sqlite:///nascale.db"
STORAGE_VARIABLE = "NASCALE_STORAGE"
LOCK_SECONDS = 5.0
# The layout of Optuna's tables since 3.0; the same statements read them in 3.x, 4.x and 5.x.
_SCHEMA = 12

Query = Callable[..., list[tuple[Any, ...]]]


def storage_url(storage: str | os.PathLike[str] | None = None) -> str:
    """The URL of a storage: as given, or ``$NASCALE_STORAGE``, or ``sqlite:///nascale.db``.

    A bare path means a SQLite file. Raises InputError for an in-memory SQLite URL, which holds nothing.
    """
    text = os.fspath(storage) if storage else os.environ.get(STORAGE_VARIABLE) or DEFAULT_STORAGE
    url = text if "://" in text else f"sqlite:///{text}"
    if url.startswith("postgresql://") and find_spec("psycopg2") is None:
        # SQLAlchemy's default driver is psycopg2; the extra "postgresql" of this project brings its successor.
        url = url.replace("postgresql", "postgresql+psycopg", 1)
    if url.startswith("sqlite:") and sqlite_path(url) in (Path(""), Path(":memory:")):
        raise InputError.of("storage", "a database that outlives the process", text)
    return url


def sqlite_path(url: str) -> Path | None:
    """The file behind a plain ``sqlite:///`` URL; None for every other kind of database."""
    if not url.startswith("sqlite://") or not url.startswith("sqlite:///"):
        return Path("") if url == "sqlite://" else None
    return Path(url.removeprefix("sqlite:///").partition("?")[0])


def redacted(url: str) -> str:
    """The URL without its password, fit for messages and reports."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def refusal(url: str, reason: str) -> InputError:
    """The error for a storage that cannot be used, with what the database said."""
    shown = redacted(url)
    text = " ".join(reason.split())
    if "locked" in text:
        wanted = f"a database that can be read (locked by another process for over {LOCK_SECONDS:g} s)"
    elif "no such table" in text or "does not exist" in text:
        wanted = "an Optuna database (this one holds no studies)"
    elif "not a database" in text or "malformed" in text or "encrypted" in text:
        wanted = f"an Optuna database (the file is damaged or something else: {text})"
    else:
        wanted = f"a database that can be opened ({text})"
    return InputError.of("storage", wanted, shown)


@contextmanager
def reading(storage: str | os.PathLike[str] | None = None) -> Iterator[Query]:
    """A function ``query(sql, **values) -> rows``, all of whose calls see the same moment of the storage.

    Raises InputError for a storage that is missing, locked, damaged, or no Optuna database.
    """
    url = storage_url(storage)
    path = sqlite_path(url)
    with _sqlite(url, path) if path is not None else _sqlalchemy(url) as query:
        version = query("SELECT schema_version FROM version_info")
        if version != [(_SCHEMA,)]:
            wanted = f"Optuna's schema {_SCHEMA} (`optuna storage upgrade` brings an older one there)"
            raise InputError.of("storage", wanted, f"{redacted(url)} with {version}")
        yield query


@contextmanager
def _sqlite(url: str, path: Path) -> Iterator[Query]:
    if not path.is_file():
        what = "a directory" if path.is_dir() else "no such file; a search makes one"
        raise InputError.of("storage", f"a SQLite file ({what})", url)
    # A database with a write-ahead log wants to put an index beside it; where that cannot be, and the log is
    # folded in, the file is as good as immutable.
    still = not os.access(path.absolute().parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if still else ''}"
    try:
        connection = sqlite3.connect(address, uri=True, timeout=LOCK_SECONDS)
    except sqlite3.Error as error:
        raise refusal(url, str(error)) from None
    try:
        connection.isolation_level = None
        connection.execute("BEGIN")
        yield lambda sql, **values: connection.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise refusal(url, str(error)) from None
    finally:
        connection.close()


@contextmanager
def _sqlalchemy(url: str) -> Iterator[Query]:
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(url)
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        raise refusal(url, str(error)) from None
    try:
        with engine.connect() as connection:
            yield lambda sql, **values: [tuple(r) for r in connection.execute(sqlalchemy.text(sql), values)]
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        raise refusal(url, reason.splitlines()[0]) from None
    finally:
        engine.dispose()
