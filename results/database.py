"""Reading an Optuna database with plain SQL, in one consistent snapshot, without loading Optuna.

Listing or drawing a study needs a handful of SELECTs; starting Optuna's own storage for it would migrate
schemas and could create files. A SQLite file is opened read-only, so that looking at a study never
creates, upgrades or blocks it. Any other URL goes through SQLAlchemy with the same statements.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from results.storage_url import redacted, sqlite_path, storage_url, without_password
from space.errors import InputError

LOCK_SECONDS = 5.0
# The layout of Optuna's tables since 3.0; the same statements read them in 3.x, 4.x and 5.x. Optuna 2.x has
# the same number and an older revision of the tables.
_SCHEMA = 12
_OLDEST_REVISION = "v3.0.0.d"

Query = Callable[..., list[tuple[Any, ...]]]

_CLOCKS = {
    "postgresql": "SELECT CAST(extract(epoch FROM clock_timestamp()) AS float), "
    "CAST(extract(epoch FROM pg_postmaster_start_time()) AS float)",
    "mysql": "SELECT unix_timestamp(now(6)), 0.0",
}


def server_times(query: Query, kind: str) -> tuple[float, float]:
    """(now, started): the clock of the database and when it was started, in seconds since 1970.

    ``kind`` is the name of the database's kind, with which its URL begins. A file has no clock of its own.
    """
    statement = _CLOCKS.get(kind)
    if statement is None:
        return time.time(), 0.0
    now, started = query(statement)[0]
    return float(now), float(started)


def said(error: Exception) -> str:
    """What the database's driver said, where SQLAlchemy (and Optuna) wrap its error; else the error's own text."""
    import sqlalchemy

    inner = error.__cause__ if isinstance(error.__cause__, sqlalchemy.exc.SQLAlchemyError) else error
    cause = inner.orig if isinstance(inner, sqlalchemy.exc.StatementError) else None
    return str(cause or inner)


# Classes of SQLSTATE: connection, resources, shutdown and cancelled statements, rollback by a conflict; a lock that is not
# to be had, and a transaction that was idle for too long.
_PASSING_STATES = ("08", "53", "57", "40", "55P03", "25P03", "25P04")
_PASSING_WORDS = ("is locked", "disk is full", "is busy", "locking protocol")


def _cause(error: BaseException) -> BaseException | None:
    """SQLAlchemy's error, where Optuna may have wrapped it."""
    import sqlalchemy

    return error if isinstance(error, sqlalchemy.exc.SQLAlchemyError) else error.__cause__


def _state(error: Any) -> str | None:
    """The SQLSTATE of what a driver raised; None where it gives none."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return None if state is None else str(state)


def passes(error: BaseException) -> bool:
    """Whether what SQLAlchemy (or Optuna) raised may succeed later: the database is away, full or locked."""
    import sqlalchemy

    inner = _cause(error)
    if not isinstance(inner, sqlalchemy.exc.DBAPIError):
        # Optuna catches some errors and asks again in the same session, which cannot go on without its connection.
        return isinstance(inner, (sqlalchemy.exc.TimeoutError, sqlalchemy.exc.PendingRollbackError))
    if inner.connection_invalidated:
        return True
    state = _state(inner.orig)
    if state is not None:
        return state.startswith(_PASSING_STATES)
    if isinstance(inner.orig, sqlite3.Error):
        return any(words in str(inner.orig) for words in _PASSING_WORDS)
    return isinstance(inner, sqlalchemy.exc.OperationalError)


MOMENT_SECONDS = 5.0
"""For how long a storage is asked again at the start, where its server is just being restarted, its connection was cut or
another process writes to its file."""
_RESTARTING_STATES = ("57P01", "57P02", "57P03")
_RESTARTING_WORDS = (
    "Connection refused",
    "terminating connection",
    "server closed the connection",
    "is shutting down",
    "is starting up",
)
T = TypeVar("T")


def _is_momentary(error: BaseException) -> bool:
    """Whether a server says that it ends or begins, or has ended a connection (nobody listens where it is between the two),
    or another process has locked a file."""
    import sqlalchemy

    inner = _cause(error)
    if not isinstance(inner, sqlalchemy.exc.DBAPIError):
        return isinstance(inner, sqlalchemy.exc.PendingRollbackError)
    if isinstance(inner.orig, sqlite3.Error):
        return "is locked" in str(inner.orig)
    words = any(words in str(inner.orig) for words in _RESTARTING_WORDS)
    return inner.connection_invalidated or _state(inner.orig) in _RESTARTING_STATES or words


def through_a_moment(action: Callable[[], T]) -> T:
    """What ``action`` returns, called again for ``MOMENT_SECONDS`` while the server of a database is being restarted, or a
    file is locked."""
    # Optuna's errors are known by their cause.
    deadline = time.monotonic() + MOMENT_SECONDS
    while True:
        try:
            return action()
        except Exception as error:
            if not _is_momentary(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def refusal(url: str, reason: str) -> InputError:
    """The error for a storage that cannot be used, with what the database said and what to do."""
    text = without_password(" ".join(reason.split()), url)
    if "locked" in text:
        wanted = f"a database that can be read (locked by another process for over {LOCK_SECONDS:g} s)"
    elif "no such column" in text or "UndefinedColumn" in text:
        wanted = _upgrade(url)
    elif "no such table" in text or "does not exist" in text:
        wanted = f"an Optuna database (this one holds no studies){missing_log(url)}"
    elif "not a database" in text or "decode" in text or "malformed" in text or "encrypted" in text:
        wanted = f"an Optuna database (the file is damaged or something else: {text})"
    elif _is_gone(text):
        wanted = f"a database server that answers ({text})"
    else:
        wanted = f"a database that can be opened ({text})"
    return InputError.of("storage", wanted, redacted(url))


def _is_gone(text: str) -> bool:
    marks = ("connection failed", "could not connect", "Connection refused", "server closed", "Can't connect")
    return any(mark in text for mark in marks)


def _upgrade(url: str) -> str:
    return (
        f"a database of Optuna 3 or newer (`optuna storage upgrade --storage {redacted(url)}` makes it one)"
    )


def missing_log(url: str) -> str:
    """A hint where a SQLite file may be a copy without its write-ahead log; else nothing."""
    path = sqlite_path(url)
    if path is None:
        return ""
    log = path.with_name(f"{path.name}-wal")
    # SQLite reads the header, not we: a process that closes a file gives up all its locks on it, also those of its other
    # connections, which would then write beside other processes.
    try:
        if log.exists() and log.stat().st_size > 0:
            return ""
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS)
        try:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        finally:
            connection.close()
    except (OSError, sqlite3.Error):
        return ""
    # A reader leaves an empty log behind.
    if mode != "wal":
        return ""
    return f"; if it is a copy of a database in use, copy {path.name}-wal beside it too"


@contextmanager
def reading(storage: str | os.PathLike[str] | None = None) -> Iterator[Query]:
    """A function ``query(sql, **values) -> rows``, all of whose calls see the same moment of the storage.

    Raises InputError for a storage that is missing, locked, damaged, or no Optuna database.
    """
    url = storage_url(storage)
    path = sqlite_path(url)
    with _sqlite(url, path) if path is not None else _sqlalchemy(url) as query:
        version = query("SELECT schema_version FROM version_info")
        revision = query("SELECT version_num FROM alembic_version")
        if version != [(_SCHEMA,)] or [(str(one),) for (one,) in revision] < [(_OLDEST_REVISION,)]:
            raise InputError.of("storage", _upgrade(url), redacted(url))
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
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise refusal(url, str(error)) from None
    finally:
        connection.close()


@contextmanager
def _sqlalchemy(url: str) -> Iterator[Query]:
    import sqlalchemy

    engine = engine_of(url)
    try:
        with through_a_moment(engine.connect) as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection = connection.execution_options(**one_moment(engine.dialect.name))
            yield lambda sql, **values: [tuple(r) for r in connection.execute(sqlalchemy.text(sql), values)]
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise refusal(url, said(error).splitlines()[0]) from None
    finally:
        engine.dispose()


def one_moment(kind: str) -> dict[str, Any]:
    """Execution options of a SQLAlchemy connection to that kind of server, all of whose statements see the same moment.

    Left to itself, PostgreSQL shows each statement what was committed until then.
    """
    return {"isolation_level": "REPEATABLE READ"} if kind in ("postgresql", "mysql", "mariadb") else {}


def engine_of(url: str) -> Any:
    """SQLAlchemy's engine for ``url``; nothing is connected yet.

    Raises InputError for a URL that cannot be read, or whose driver is not installed.
    """
    import sqlalchemy

    try:
        return sqlalchemy.create_engine(url)
    except ImportError as error:
        name = str(error).partition("'")[2].partition("'")[0] or str(error)
        extra = " (pip install 'nascale[postgresql]')" if url.startswith("postgresql") else ""
        raise InputError.of(
            "storage", f"a database whose driver is installed{extra}", f"{redacted(url)} without {name}"
        ) from None
    except (sqlalchemy.exc.ArgumentError, ValueError):
        # What SQLAlchemy says quotes the part that it could not read, which may be of the password.
        wanted = (
            "a URL such as postgresql://user:password@host/name, with @ : / in the password percent-encoded"
        )
        raise InputError.of("storage", wanted, redacted(url)) from None
