"""The connection to the database in which jobs are kept: transactions that write are one after another.

On SQLite a transaction that writes begins as such (BEGIN IMMEDIATE), so that what it has read still holds when it writes;
on PostgreSQL it takes row locks, or the lock of the queue where it decides from a count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from results.database import one_moment, server_times
from results.storage_url import redacted, storage_url
from search.storage import engine_settings, storage_of, watch
from service.jobs.schema import KINDS, upgrade
from space.errors import InputError

_BUSY_SECONDS = 20.0
"""For how long a statement waits for another writer of a SQLite file."""
_LOCK = 0x6E61736361
"""The number of the queue's lock on PostgreSQL ("nasca")."""


class Database:
    """Transactions on the database at ``url``, which is made where there is none, with the tables of studies and jobs.

    May be used from several threads. Raises InputError for one that cannot be used.
    """

    def __init__(self, url: str) -> None:
        import sqlalchemy
        from sqlalchemy import event

        self.url = storage_url(url)
        kind = self.url.partition(":")[0].partition("+")[0]
        if kind not in KINDS:
            raise InputError.of("storage", "a SQLite file or a PostgreSQL database", redacted(self.url))
        studies = storage_of(self.url)
        studies.remove_session()
        studies.engine.dispose()
        settings = engine_settings(self.url)
        if kind == "sqlite":
            settings["connect_args"]["timeout"] = _BUSY_SECONDS
        self._engine = sqlalchemy.create_engine(self.url, **settings)
        self.kind: str = self._engine.dialect.name
        watch(self._engine)
        if kind == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        self._reader = self._engine.execution_options(reads=True, **one_moment(self.kind))
        try:
            with self.locked() as connection:
                upgrade(connection, self.url)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A transaction that may write; it is rolled back where an error leaves it."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def locked(self) -> Iterator[Any]:
        """A transaction beside which no other of this kind runs."""
        from sqlalchemy import text

        with self._engine.begin() as connection:
            if self.kind == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A transaction that only reads, all from one moment, and waits for nobody."""
        with self._reader.connect() as connection:
            yield connection

    def times(self, connection: Any) -> tuple[float, float]:
        """(now, started): the database's clock and when its server was started, in seconds since 1970."""
        from sqlalchemy import text

        return server_times(lambda sql: connection.execute(text(sql)).all(), self.kind)

    def close(self) -> None:
        """Lets go of the connections."""
        self._engine.dispose()


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin as _begin_sqlite has it
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Any) -> None:
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
