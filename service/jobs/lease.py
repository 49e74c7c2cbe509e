"""The right to run jobs: which service answers for which, decided by the database.

A service takes jobs from the queue and renews its lease on them all in one statement. Every change that it makes to a job asks in
the same statement whether the job is still its own, so that one that was stopped for long does not write beside its
successor. Two services never take the same job: on PostgreSQL the row is locked and others skip it, on SQLite there is one
writer at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from results.driver import Driver
from service.jobs.database import Database
from service.jobs.job import ACTIVE, ATTEMPTS, EventType, Job, JobState
from service.jobs.rows import append, as_json, change, job_of

BEAT_SECONDS = 10.0
"""Between two renewals."""
_ACTIVE = ", ".join(f"'{state}'" for state in ACTIVE)


@dataclass(frozen=True, slots=True)
class Held:
    """A job that this service answers for. ``wished`` is for how many seconds it has been asked to end."""

    job: Job
    wished: float | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A job whose service is gone. ``here`` says whether that ran on this machine; ``token`` was its lease."""

    job: Job
    here: bool
    token: str | None


class Leases:
    """The leases of one service: ``owner`` marks them. May be used from several threads."""

    def __init__(self, database: Database, owner: Driver | None = None) -> None:
        self._database = database
        self._owner = owner or Driver.this()

    @property
    def _mark(self) -> dict[str, Any]:
        return {"owner": json.dumps(self._owner.to_json()), "token": self._owner.token}

    def claim(self, free_cores: float, most_cores: float) -> Job | None:
        """The job that has waited longest, now ``starting`` and this service's; None where none waits.

        None too where it takes more cores than are free: others do not overtake it. One that takes more than
        ``most_cores`` counts as that many, and so runs alone.
        """
        from sqlalchemy import text

        first = "SELECT * FROM nascale_job WHERE state = :queued ORDER BY number LIMIT 1"
        skip = " FOR UPDATE SKIP LOCKED" if self._database.kind == "postgresql" else ""
        queued = {"queued": JobState.QUEUED.value}
        with self._database.reading() as connection:  # looking often must not hold up those who write
            if connection.execute(text(first), queued).first() is None:
                return None
        with self._database.writing() as connection:
            row = connection.execute(text(first + skip), queued).first()
            if row is None or min(row.cores, most_cores) > free_cores:
                return None
            now = self._database.times(connection)[0]
            return change(
                connection,
                row.number,
                now,
                state=JobState.STARTING.value,
                why=None,
                attempt=row.attempt + 1,
                tries=row.tries + 1,
                started=now,
                heartbeat=now,
                **self._mark,
            )

    def beat(self) -> None:
        """Says that this service still answers for its jobs."""
        from sqlalchemy import text

        with self._database.writing() as connection:
            connection.execute(
                text(
                    f"UPDATE nascale_job SET heartbeat = :now WHERE token = :token AND state IN ({_ACTIVE})"
                ),
                {"now": self._database.times(connection)[0], "token": self._owner.token},
            )

    def held(self) -> dict[str, Held]:
        """The jobs that this service answers for, by id."""
        from sqlalchemy import text

        with self._database.reading() as connection:
            rows = connection.execute(
                text(f"SELECT * FROM nascale_job WHERE token = :token AND state IN ({_ACTIVE})"),
                {"token": self._owner.token},
            ).all()
            now = self._database.times(connection)[0] if rows else 0.0
        return {
            row.id: Held(job_of(row), None if row.wished is None else max(0.0, now - row.wished))
            for row in rows
        }

    def lost(self) -> list[Lost]:
        """Jobs at work whose service is gone: it has ended on this machine, or its lease has run out."""
        from sqlalchemy import text

        with self._database.reading() as connection:
            rows = connection.execute(
                text(
                    f"SELECT * FROM nascale_job WHERE state IN ({_ACTIVE}) AND (token IS NULL OR token <> :token)"
                    " ORDER BY number"
                ),
                {"token": self._owner.token},
            ).all()
            if not rows:
                return []
            now, started = self._database.times(connection)
        found = []
        for row in rows:
            stored = json.loads(row.owner) if row.owner else {}
            owner = Driver.of_json({**stored, "beat": row.heartbeat})
            if owner is None:
                continue
            if row.token is None or owner.is_gone(now, started):
                found.append(Lost(job_of(row), owner.is_here, row.token))
        return found

    def owned_here(self, job: str) -> int | None:
        """The attempt of a job that some service on this machine answers for (or did last); None for any other job."""
        from sqlalchemy import text

        with self._database.reading() as connection:
            row = connection.execute(
                text(f"SELECT attempt, owner FROM nascale_job WHERE id = :id AND state IN ({_ACTIVE})"),
                {"id": job},
            ).first()
        owner = Driver.of_json(json.loads(row.owner)) if row is not None and row.owner else None
        return int(row.attempt) if owner is not None and owner.is_here else None

    def take_over(self, lost: Lost) -> bool:
        """Makes a lost job this service's; False where another was faster."""
        from sqlalchemy import text

        same = "token IS NULL" if lost.token is None else "token = :old"
        with self._database.writing() as connection:
            found = connection.execute(
                text(
                    "UPDATE nascale_job SET owner = :owner, token = :token, heartbeat = :now"
                    f" WHERE id = :id AND state IN ({_ACTIVE}) AND {same}"
                ),
                {
                    "id": lost.job.id,
                    "now": self._database.times(connection)[0],
                    "old": lost.token,
                    **self._mark,
                },
            )
            return bool(found.rowcount == 1)

    def runs(self, job: str) -> bool:
        """Says that the process of a starting job runs; False where the job is not this service's."""
        return self._change(job, (JobState.STARTING,), state=JobState.RUNNING.value) is not None

    def end(self, job: str, state: JobState, why: str | None, exit_code: int | None) -> Job | None:
        """Says how a job ended; None where it is not this service's."""
        return self._change(
            job, ACTIVE, ended=True, state=state.value, why=why, exit_code=exit_code, owner=None, token=None
        )

    def interrupt(
        self, job: str, why: str, exit_code: int | None = None, *, counts: bool = True
    ) -> Job | None:
        """Says that a job's process was lost, or (``counts`` is false) was stopped for the service's sake."""
        return self._change(
            job,
            ACTIVE,
            counts=counts,
            state=JobState.INTERRUPTED.value,
            why=why,
            exit_code=exit_code,
            owner=None,
            token=None,
        )

    def leave(self) -> None:
        """Gives up all leases; the processes go on, and the next service adopts them."""
        from sqlalchemy import text

        with self._database.writing() as connection:
            connection.execute(
                text(f"UPDATE nascale_job SET token = NULL WHERE token = :token AND state IN ({_ACTIVE})"),
                {"token": self._owner.token},
            )

    def requeue(self) -> int:
        """Has interrupted jobs wait for their turn again, and says how many they were.

        Those that were begun three times and got no further have failed.
        """
        from sqlalchemy import text

        skip = " FOR UPDATE SKIP LOCKED" if self._database.kind == "postgresql" else ""
        with self._database.reading() as connection:
            found = connection.execute(
                text("SELECT 1 FROM nascale_job WHERE state = :state LIMIT 1"),
                {"state": JobState.INTERRUPTED.value},
            ).first()
        if found is None:
            return 0
        with self._database.writing() as connection:
            rows = connection.execute(
                text(f"SELECT number, tries, why FROM nascale_job WHERE state = :state{skip}"),
                {"state": JobState.INTERRUPTED.value},
            ).all()
            now = self._database.times(connection)[0]
            for row in rows:
                if row.tries < ATTEMPTS:
                    change(connection, row.number, now, state=JobState.QUEUED.value)
                else:
                    why = f"interrupted {row.tries} times in a row, the last time: {row.why}"
                    change(connection, row.number, now, state=JobState.FAILED.value, why=why, ended=now)
            return len(rows)

    def record(
        self,
        job: str,
        events: Sequence[tuple[EventType, Mapping[str, Any]]],
        progress: Mapping[str, Any],
        seen: str,
        *,
        moved: bool = False,
    ) -> bool:
        """Adds events to a job, with its progress and how far its work was ``seen``, all or nothing; False where the job
        is not this service's. ``moved`` says that it got further, so that it may be interrupted as often again."""
        from sqlalchemy import text

        tries = ", tries = 0" if moved else ""
        with self._database.writing() as connection:
            row = connection.execute(
                text(
                    f"UPDATE nascale_job SET progress = :progress, seen = :seen{tries}"
                    " WHERE id = :id AND token = :token RETURNING number"
                ),
                {"id": job, "token": self._owner.token, "progress": as_json(progress), "seen": seen},
            ).first()
            if row is None:
                return False
            now = self._database.times(connection)[0]
            for kind, data in events:
                append(connection, row.number, kind, data, now)
            return True

    def seen(self, job: str) -> str | None:
        """How far a job's work was seen, as ``record`` was told; None where nothing was."""
        from sqlalchemy import text

        with self._database.reading() as connection:
            found = connection.execute(
                text("SELECT seen FROM nascale_job WHERE id = :id"), {"id": job}
            ).scalar_one_or_none()
            return None if found is None else str(found)

    def _change(
        self,
        job: str,
        states: Sequence[JobState],
        *,
        ended: bool = False,
        counts: bool = True,
        **values: Any,
    ) -> Job | None:
        """Changes a job of this service that is in one of ``states``; None where there is none."""
        from sqlalchemy import text

        lock = " FOR UPDATE" if self._database.kind == "postgresql" else ""
        with self._database.writing() as connection:
            row = connection.execute(
                text(f"SELECT number, state, tries FROM nascale_job WHERE id = :id AND token = :token{lock}"),
                {"id": job, "token": self._owner.token},
            ).first()
            if row is None or row.state not in states:
                return None
            now = self._database.times(connection)[0]
            if ended:
                values["ended"] = now
            if not counts:
                values["tries"] = row.tries - 1
            return change(connection, row.number, now, **values)
