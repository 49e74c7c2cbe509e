"""What is kept of jobs, and for how long: old events go, then the front parts of long logs, then jobs that ended long ago."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from service.jobs.job import ENDED
from service.jobs.store import JobStore

_ENDED = ", ".join(f"'{state}'" for state in ENDED)


@dataclass(frozen=True)
class Retention:
    """Limits on what is kept of a job: its newest ``events``, the last ``log_bytes`` of its log (up to half of them fewer after
    it was shortened), and all of it for ``days`` after it has ended."""

    events: int = 10_000
    log_bytes: int = 64_000_000
    days: float = 90.0

    def apply(self, store: JobStore) -> None:
        """Removes what is beyond the limits; studies are kept."""
        from sqlalchemy import text

        with store.database.writing() as connection:
            connection.execute(
                text(
                    "DELETE FROM nascale_job_event WHERE number <= (SELECT last_event FROM nascale_job j"
                    " WHERE j.number = nascale_job_event.job) - :kept"
                ),
                {"kept": self.events},
            )
            old = {"moment": store.database.times(connection)[0] - 86400 * self.days}
            where = f"state IN ({_ENDED}) AND ended < :moment"
            gone = connection.execute(text(f"SELECT id FROM nascale_job WHERE {where}"), old).scalars().all()
            if gone:
                connection.execute(
                    text(
                        "DELETE FROM nascale_job_event WHERE job IN"
                        f" (SELECT number FROM nascale_job WHERE {where})"
                    ),
                    old,
                )
                connection.execute(text(f"DELETE FROM nascale_job WHERE {where}"), old)
        for job in gone:
            shutil.rmtree(store.folder_of(job), ignore_errors=True)
        for log in store.folder.glob("*/log"):
            with suppress(OSError):
                shorten(log, self.log_bytes)


def shorten(log: Path, most: int) -> None:
    """Leaves the last lines of a log that is longer than ``most`` bytes: half as many.

    Whoever appends to it meanwhile goes on at its new end.
    """
    with log.open("r+b") as file:
        if file.seek(0, 2) <= most:
            return
        file.seek(-(most // 2), 2)
        kept = file.read().partition(b"\n")[2]
        file.truncate(0)
    with log.open("ab") as file:
        file.write(kept)
