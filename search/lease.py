"""The right to write to a study: one process has it at a time, and the database decides which.

A lease is the study's attribute ``results.driver.ATTRIBUTE``. It is taken by replacing exactly the mark that was read,
in one statement, so that of two processes in the same moment one finds it replaced. Its holder renews it from a
thread; one that has run out may be taken over. Every write of its holder asks in the same transaction
whether the lease is still its own, so that a process that was stopped for long, or cut off, does not write beside its
successor.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

from results.database import server_times
from results.driver import ATTRIBUTE, LEASE_SECONDS, Driver
from space.errors import RunError

BEAT_SECONDS = 10.0
"""Between two renewals of a lease."""


class LeaseLost(RunError):
    """Another process has the study now, or nobody can have it any more."""


class Lease:
    """The lease on one study, taken when it is made. Raises RunError where another process holds it.

    ``engine`` is for the thread that renews it.
    """

    def __init__(self, engine: Any, study_id: int, study: str) -> None:
        from optuna.storages._rdb import models
        from sqlalchemy import bindparam, exists, func, select

        self._engine, self._study_id, self._study = engine, study_id, study
        self._driver = Driver.this()
        marks = models.StudySystemAttributeModel.__table__
        self._here = (marks.c.study_id == study_id) & (marks.c.key == ATTRIBUTE)
        # A renewal changes the end of the mark only.
        begin = json.dumps({"token": self._driver.token})[:-1]
        self._own = self._here & (func.substr(marks.c.value_json, 1, len(begin)) == begin)
        self._read = select(marks.c.value_json).where(self._here)
        self._insert = marks.insert().values(study_id=study_id, key=ATTRIBUTE, value_json=bindparam("new"))
        self._replace = (
            marks.update()
            .where(self._here & (marks.c.value_json == bindparam("old")))
            .values(value_json=bindparam("new"))
        )
        self._renew = marks.update().where(self._own).values(value_json=bindparam("new"))
        self._lock = select(marks.c.study_id).where(self._own).with_for_update(read=True)
        self.condition: Any = exists().where(self._own)
        """True in a statement while the lease is held."""
        self._take()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{study}", daemon=True)
        self._thread.start()

    def _times(self, connection: Any) -> tuple[float, float]:
        from sqlalchemy import text

        return server_times(lambda sql: connection.execute(text(sql)).all(), self._engine.dialect.name)

    def _take(self) -> None:
        """Replaces the mark that is there; reads it anew where somebody else was faster."""
        from sqlalchemy.exc import IntegrityError

        while True:
            with suppress(IntegrityError), self._engine.begin() as connection:
                now, started = self._times(connection)
                text = connection.execute(self._read).scalar_one_or_none()
                holder = Driver.of_json(json.loads(text)) if text is not None else None
                if holder is not None and not holder.is_this and not holder.is_gone(now, started):
                    raise RunError(
                        f"study {self._study!r}: another search ({holder.told(now)}) is at work on it; stop it or wait "
                        f"for it (it counts as gone {LEASE_SECONDS:g} s after its last heartbeat)"
                    )
                if text is None:
                    connection.execute(self._insert, {"new": self._mark(now)})
                    return
                if connection.execute(self._replace, {"old": text, "new": self._mark(now)}).rowcount == 1:
                    return

    def _mark(self, now: float) -> str:
        return json.dumps(replace(self._driver, beat=round(now, 1)).to_json())

    def _beat(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        # A database that does not answer is the business of those who write; a lost lease too.
        while not self._ended.wait(BEAT_SECONDS):
            with suppress(SQLAlchemyError):
                self.renew()

    def renew(self) -> None:
        """Says that the process is still at work."""
        with self._engine.begin() as connection:
            connection.execute(self._renew, {"new": self._mark(self._times(connection)[0])})

    def hold(self, connection: Any) -> bool:
        """Whether the lease is held; nobody can take it over before the transaction of ``connection`` ends.

        SQLite has one writer at a time: there ``condition`` in the transaction's first statement does the same.
        """
        return connection.execute(self._lock).first() is not None

    def check(self) -> None:
        """Raises LeaseLost where the lease is not held any more."""
        with self._engine.begin() as connection:
            if not self.hold(connection):
                raise LeaseLost(self.why_lost(connection))

    def why_lost(self, connection: Any) -> str:
        """Who has the lease, where it is not held any more."""
        text = connection.execute(self._read).scalar_one_or_none()
        holder = Driver.of_json(json.loads(text)) if text is not None else None
        by = "was ended" if holder is None else f"was taken over by {holder.told(self._times(connection)[0])}"
        return f"study {self._study!r}: this search did not answer for long and {by}; nothing more is stored from here"

    def release(self) -> None:
        """Says that nobody is at work on the study any more, if the lease is still held and the database answers."""
        from sqlalchemy.exc import SQLAlchemyError

        self._ended.set()
        self._thread.join()
        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            connection.execute(self._renew, {"new": "null"})
        self._engine.dispose()
