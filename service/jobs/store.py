"""The store of jobs: what a client asks of it. What a service at work on them needs is in ``service.jobs.lease``."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.jobs.database import Database
from service.jobs.errors import KeyTaken, QueueFull, WrongState
from service.jobs.job import WAITING, CancelMode, Event, Events, EventType, Job, JobKind, JobState
from service.jobs.rows import append, as_json, change, job_of, row_of
from space.errors import InputError

QUEUE_LIMIT = 1000
"""Jobs that wait at most, where nothing else is said."""
_LONGEST_KEY = 255
_PAGE = 200


class JobStore:
    """Jobs and their events in the database at ``url``, the one of the studies; their files below ``folder``.

    Every call is one transaction, and may come from any thread. Raises InputError where the database cannot be used.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url)
        self.folder = folder.absolute()

    def submit(
        self,
        kind: JobKind,
        spec: Mapping[str, Any],
        idempotency_key: str | None = None,
        *,
        study: str | None = None,
        cores: float = 1.0,
        most_waiting: int = QUEUE_LIMIT,
    ) -> tuple[Job, bool]:
        """A new job that waits for its turn, and True; or the one that was submitted under the key before, and False.

        The spec is taken as it is: ``service.jobs.commands`` checks it, and says ``study`` and ``cores``. Raises KeyTaken where the key
        belongs to another request, QueueFull where ``most_waiting`` jobs wait already.
        """
        from sqlalchemy import text

        if idempotency_key is not None and not 0 < len(idempotency_key) <= _LONGEST_KEY:
            raise InputError.of("idempotency key", f"1 to {_LONGEST_KEY} letters", idempotency_key)
        kind = JobKind(kind)
        with self.database.locked() as connection:
            if idempotency_key is not None:
                known = connection.execute(
                    text("SELECT * FROM nascale_job WHERE idempotency_key = :key"), {"key": idempotency_key}
                ).first()
                if known is not None:
                    return _same(job_of(known), kind, spec), False
            waiting = _waiting(connection)
            if waiting >= most_waiting:
                raise QueueFull(waiting, most_waiting)
            now = self.database.times(connection)[0]
            values = {
                "id": secrets.token_hex(8),
                "kind": kind.value,
                "spec": as_json(spec),
                "state": JobState.QUEUED.value,
                "attempt": 0,
                "created": now,
                "progress": "{}",
                "study": study,
                "cores": cores,
                "idempotency_key": idempotency_key,
                "last_event": 0,
            }
            number = connection.execute(
                text(
                    f"INSERT INTO nascale_job ({', '.join(values)})"
                    f" VALUES ({', '.join(f':{name}' for name in values)}) RETURNING number"
                ),
                values,
            ).scalar_one()
            return change(connection, number, now, state=JobState.QUEUED.value), True

    def get(self, job: str) -> Job:
        """The job of that id. Raises NoSuchJob."""
        with self.database.reading() as connection:
            return job_of(row_of(connection, job))

    def list(
        self,
        state: JobState | None = None,
        kind: JobKind | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Job], str | None]:
        """Jobs, newest first, and the ``after`` of the next page; None where there is none.

        Raises InputError for an ``after`` that no page gave.
        """
        from sqlalchemy import text

        if not 1 <= limit <= _PAGE:
            raise InputError.of("limit", f"1 to {_PAGE}", limit)
        if after is not None and not (after.isascii() and after.isdecimal() and len(after) < 19):
            raise InputError.of("after", "what the page before gave as next", after)
        wanted: dict[str, Any] = {"state": state, "kind": kind}
        wanted = {name: str(value) for name, value in wanted.items() if value is not None}
        conditions = [f"{name} = :{name}" for name in wanted]
        if after is not None:
            conditions.append("number < :after")
            wanted["after"] = int(after)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        with self.database.reading() as connection:
            rows = connection.execute(
                text(f"SELECT * FROM nascale_job{where} ORDER BY number DESC LIMIT :limit"),
                wanted | {"limit": limit + 1},
            ).all()
        following = str(rows[limit - 1].number) if len(rows) > limit else None
        return [job_of(row) for row in rows[:limit]], following

    def waiting(self) -> int:
        """How many jobs wait for their turn."""
        with self.database.reading() as connection:
            return _waiting(connection)

    def request_cancel(self, job: str, mode: CancelMode) -> Job:
        """Has a job end, in order or at once; one that waits is cancelled now. Asking again for no more changes nothing.

        Raises NoSuchJob, or WrongState for one that has ended.
        """
        mode = CancelMode(mode)
        with self.database.writing() as connection:
            row = row_of(connection, job, lock=True)
            found, now = job_of(row), self.database.times(connection)[0]
            if found.state.ended:
                raise WrongState(job, "has not ended", found.state)
            if not found.state.active:
                why = "cancelled before it began" if found.attempt == 0 else "cancelled"
                return change(connection, row.number, now, state=JobState.CANCELLED.value, why=why, ended=now)
            if found.wish in (mode, CancelMode.KILL):
                return found
            return change(
                connection,
                row.number,
                now,
                state=JobState.STOPPING.value,
                why="asked to stop" if mode is CancelMode.STOP else "to be killed",
                wish=mode.value,
                wished=now,
            )

    def resume(self, job: str) -> Job:
        """Has a job that failed or was cancelled wait for its turn again: it goes on where it stopped.

        Raises NoSuchJob, or WrongState for any other.
        """
        with self.database.writing() as connection:
            row = row_of(connection, job, lock=True)
            found, now = job_of(row), self.database.times(connection)[0]
            if found.state not in (JobState.FAILED, JobState.CANCELLED):
                raise WrongState(job, "failed or was cancelled", found.state)
            return change(
                connection,
                row.number,
                now,
                state=JobState.QUEUED.value,
                why="resumed",
                tries=0,
                wish=None,
                wished=None,
                ended=None,
                exit_code=None,
            )

    def delete(self, job: str) -> None:
        """Removes a job that has ended, with its events and files; its study is kept.

        Raises NoSuchJob, or WrongState for one that has not ended.
        """
        from sqlalchemy import text

        with self.database.writing() as connection:
            row = row_of(connection, job, lock=True)
            found = job_of(row)
            if not found.state.ended:
                raise WrongState(job, "has ended", found.state)
            connection.execute(
                text("DELETE FROM nascale_job_event WHERE job = :number"), {"number": row.number}
            )
            connection.execute(text("DELETE FROM nascale_job WHERE number = :number"), {"number": row.number})
        shutil.rmtree(self.folder_of(job), ignore_errors=True)

    def events(self, job: str, after: int = 0, limit: int = 500) -> Events:
        """The events of a job behind number ``after``, at most ``limit`` of them. Raises NoSuchJob.

        Where ``after`` is a number that the job has not reached, or events behind it are kept no more, ``gone`` is
        true and the oldest that are there come.
        """
        from sqlalchemy import text

        statement = text(
            "SELECT number, type, time, data FROM nascale_job_event WHERE job = :job AND number > :after"
            " ORDER BY number LIMIT :limit"
        )
        with self.database.reading() as connection:
            row = row_of(connection, job)
            beyond = after > row.last_event
            found = connection.execute(
                statement, {"job": row.number, "after": 0 if beyond else after, "limit": limit}
            ).all()
        items = tuple(
            Event(
                one.number, EventType(one.type), datetime.fromtimestamp(one.time, UTC), json.loads(one.data)
            )
            for one in found
        )
        missed = bool(items) and items[0].number > after + 1
        return Events(items, beyond or missed, row.last_event)

    def append_event(self, job: str, type: EventType, data: Mapping[str, Any]) -> int:
        """Adds an event to a job; returns its number. Raises NoSuchJob."""
        with self.database.writing() as connection:
            row = row_of(connection, job, lock=True)
            return append(connection, row.number, type, data, self.database.times(connection)[0])

    def folder_of(self, job: str) -> Path:
        """The folder of a job's files, on the machine where it ran; not there before it began."""
        return self.folder / job

    def log_path(self, job: str) -> Path:
        """The file to which a job's process writes, all attempts one after another; not there before it began."""
        return self.folder_of(job) / "log"

    def close(self) -> None:
        """Lets go of the database."""
        self.database.close()


def _waiting(connection: Any) -> int:
    from sqlalchemy import text

    states = dict(zip(("queued", "interrupted"), map(str, WAITING), strict=True))
    statement = "SELECT COUNT(*) FROM nascale_job WHERE state IN (:queued, :interrupted)"
    return int(connection.execute(text(statement), states).scalar_one())


def _same(known: Job, kind: JobKind, spec: Mapping[str, Any]) -> Job:
    """The job that the key belongs to. Raises KeyTaken where this request is another."""
    differing = ["kind"] if known.kind is not kind else []
    asked = json.loads(as_json(spec))
    differing += [
        f"spec.{name}"
        for name in sorted({*known.spec, *asked})
        if (name in known.spec, known.spec.get(name)) != (name in asked, asked.get(name))
    ]
    if differing:
        raise KeyTaken(known.id, tuple(differing))
    return known
