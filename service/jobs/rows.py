"""Jobs as rows of the database: how one is read, changed and given events, in a transaction of the caller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.jobs.errors import NoSuchJob
from service.jobs.job import CancelMode, EventType, Job, JobKind, JobState

_TIMES = ("created", "started", "ended", "heartbeat")


def row_of(connection: Any, job: str, *, lock: bool = False) -> Any:
    """The row of a job; nobody else changes it before the transaction ends if it is to be locked.

    Raises NoSuchJob.
    """
    from sqlalchemy import text

    locked = " FOR UPDATE" if lock and connection.dialect.name == "postgresql" else ""
    found = connection.execute(text(f"SELECT * FROM nascale_job WHERE id = :id{locked}"), {"id": job}).first()
    if found is None:
        raise NoSuchJob(job)
    return found


def job_of(row: Any) -> Job:
    """The job in a row."""
    stored: Mapping[str, Any] = row._mapping
    times = {
        name: None if stored[name] is None else datetime.fromtimestamp(stored[name], UTC) for name in _TIMES
    }
    plain = {name: stored[name] for name in ("id", "why", "attempt", "study", "cores", "exit_code")}
    return Job(
        kind=JobKind(stored["kind"]),
        state=JobState(stored["state"]),
        spec=json.loads(stored["spec"]),
        progress=json.loads(stored["progress"]),
        wish=None if stored["wish"] is None else CancelMode(stored["wish"]),
        **plain,
        **times,  # type: ignore[arg-type]
    )


def change(connection: Any, number: int, now: float, **values: Any) -> Job:
    """Changes a job and tells so by an event: ``job``, and ``end`` behind it where it has ended."""
    from sqlalchemy import text

    settings = ", ".join(f"{name} = :{name}" for name in values)
    row = connection.execute(
        text(f"UPDATE nascale_job SET {settings} WHERE number = :number RETURNING *"),
        {**values, "number": number},
    ).one()
    job = job_of(row)
    told = {"state": str(job.state), "why": job.why, "attempt": job.attempt}
    append(connection, number, EventType.JOB, told, now)
    if job.state.ended:
        append(connection, number, EventType.END, told | {"exit_code": job.exit_code}, now)
    return job


def append(connection: Any, number: int, kind: EventType, data: Mapping[str, Any], now: float) -> int:
    """Adds an event to the job of that ``number``; returns the event's number."""
    from sqlalchemy import text

    event = connection.execute(
        text("UPDATE nascale_job SET last_event = last_event + 1 WHERE number = :job RETURNING last_event"),
        {"job": number},
    ).scalar_one()
    connection.execute(
        text(
            "INSERT INTO nascale_job_event (job, number, type, time, data)"
            " VALUES (:job, :event, :type, :time, :data)"
        ),
        {"job": number, "event": event, "type": str(kind), "time": now, "data": as_json(data)},
    )
    return int(event)


def as_json(value: Mapping[str, Any]) -> str:
    """A value as it is stored: equal values give equal texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
