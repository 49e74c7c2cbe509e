"""Opens Optuna's storage so that it can be relied on: as the only maker of its tables, in a file that others cannot
read, over connections that do not stay silent for ever.

On SQLite the journal is a write-ahead log that is not flushed at every commit: a killed process loses nothing, a power
cut at most the last transactions. On PostgreSQL a connection is tried before it is used, and one on which nothing
moves is cut (``search.silence``).
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from results.database import engine_of, refusal, said, through_a_moment
from results.storage_url import braced, redacted, sqlite_path, storage_url, without_password
from search.silence import Watchdog
from space.errors import InputError

OPENING_SECONDS = 30.0
"""For how long opening is tried again where others open, or write, at the same time."""
_BUSY_SECONDS = 2.0
"""For how long a statement waits for another writer of a SQLite file, before the search goes on without it."""
_RACES = (
    "locked",
    "busy",
    "already exists",
    "duplicate key",
    "UNIQUE constraint",
    "deadlock",
    "concurrently updated",
)
"""In errors that another process causes which opens the storage in the same moment."""


def storage_of(url: str) -> Any:
    """Optuna's storage at ``url``, created where there is none. Raises InputError where it cannot be used.

    ``url`` may be a path of a SQLite file, too.
    """
    import sqlalchemy
    from optuna.exceptions import StorageInternalError

    url = storage_url(url)
    engine_of(url).dispose()  # a URL that cannot be read is refused in its own words
    made = _prepared_file(url)
    try:
        return through_a_moment(lambda: _opened(url))
    except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError, ValueError, RuntimeError, OSError) as error:
        reason = " ".join(said(error).split())
        wanted = f"a database that can be written ({without_password(reason, url)})"
        raise InputError.of("storage", wanted, redacted(url)) from None
    finally:
        with suppress(OSError):
            if made is not None and made.stat().st_size == 0:
                made.unlink()


def _opened(url: str) -> Any:
    """The storage, its tables made and written to; tried again while others make them too."""
    import sqlalchemy
    from optuna.exceptions import StorageInternalError

    deadline = time.monotonic() + OPENING_SECONDS
    while True:
        try:
            return _opened_at_once(url)
        except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError, RuntimeError) as error:
            told = said(error)
            if not any(race in told for race in _RACES) or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.02, 0.2))


def _opened_at_once(url: str) -> Any:
    import optuna
    import sqlalchemy

    settings = engine_settings(url)
    # Optuna reports a server that does not answer as invalid data.
    engine = sqlalchemy.create_engine(url, **settings)
    try:
        engine.connect().close()
    finally:
        engine.dispose()
    storage = optuna.storages.RDBStorage(braced(url), settings)
    watch(storage.engine)
    try:
        with storage.engine.begin() as connection:
            # Optuna opens a read-only file without complaint.
            connection.execute(sqlalchemy.text("UPDATE version_info SET schema_version = schema_version"))
    except BaseException:
        storage.engine.dispose()
        raise
    return storage


def engine_settings(url: str) -> dict[str, Any]:
    """What SQLAlchemy's engine for ``url`` is to be made with; options in the URL itself win."""
    import sqlalchemy

    parsed = sqlalchemy.make_url(url)
    kind, _, driver = parsed.drivername.partition("+")
    if kind == "sqlite":
        return {"connect_args": {"timeout": _BUSY_SECONDS}}
    if kind != "postgresql" or driver not in ("psycopg", "psycopg2", ""):
        return {"pool_pre_ping": True}
    options = {
        "connect_timeout": 5,
        # A connection of which the other end is gone is given up after some 25 s.
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
        "application_name": "nascale",
    }
    return {"connect_args": {name: value for name, value in options.items() if name not in parsed.query}}


def watch(engine: Any) -> None:
    """Has the connections of an engine set up, and cut where they stay silent."""
    from sqlalchemy import event

    if engine.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    elif engine.name == "postgresql":
        event.listen(engine, "connect", _prepare_postgresql)
        Watchdog(engine)
    engine.dispose()


def lease_engine(storage: Any) -> Any:
    """The engine with which a thread renews a lease: a SQLite file is opened anew each time, and never made."""
    import sqlalchemy

    path = sqlite_path(storage.url)
    if path is None:
        return storage.engine
    address = f"{path.absolute().as_uri()}?mode=rw"
    return sqlalchemy.create_engine(
        storage.url,
        creator=lambda: sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS),
        poolclass=sqlalchemy.NullPool,
    )


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _prepare_postgresql(connection: Any, _: Any) -> None:
    """The server, too, gives up what does not move: a lost client would hold its locks for hours."""
    cursor = connection.cursor()
    for name, value in (
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "60s"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ):
        cursor.execute(f"SET {name} = '{value}'")
    cursor.close()
    connection.commit()


def _prepared_file(url: str) -> Path | None:
    """Checks the SQLite file that is there, or makes an empty one that only its owner can read, and returns its path.

    Raises InputError for a file that is damaged.
    """
    path = sqlite_path(url)
    if path is None:
        return None
    if not path.exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return None
        except OSError as error:
            raise InputError.of(
                "storage", f"a database that can be written ({error.strerror})", redacted(url)
            ) from None
        return path
    connection = None
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=OPENING_SECONDS)
        found = [text for (text,) in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.Error as error:
        raise refusal(url, str(error)) from None
    finally:
        if connection is not None:
            connection.close()
    if found != ["ok"]:
        raise refusal(url, f"malformed: {found[0]}")
    return None
