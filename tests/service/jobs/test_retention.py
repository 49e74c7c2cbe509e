"""What is kept of jobs: the newest events, the end of the log, and jobs until some time after their end."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from service.jobs.job import CancelMode, EventType, JobKind
from service.jobs.retention import Retention, shorten
from service.jobs.store import JobStore
from service.jobs.tails import log_tail


def test_events_that_are_kept_no_more_are_said_to_be_gone(store: JobStore) -> None:
    job, _ = store.submit(JobKind.SEARCH, {})
    other, _ = store.submit(JobKind.SEARCH, {})
    for step in range(10):
        store.append_event(job.id, EventType.LOG, {"step": step})
    Retention(events=6).apply(store)
    assert [event.number for event in store.events(job.id).items] == [6, 7, 8, 9, 10, 11]
    assert store.events(job.id).gone
    assert store.events(job.id, after=4).gone
    assert not store.events(job.id, after=5).gone
    assert store.events(job.id, after=99).gone  # of a database that was thrown away
    assert not store.events(other.id).gone


def test_a_job_is_kept_for_some_days_after_its_end(store: JobStore) -> None:
    old, young, waiting = (store.submit(JobKind.SEARCH, {})[0].id for _ in range(3))
    for job in (old, young):
        store.request_cancel(job, CancelMode.STOP)
        store.folder_of(job).mkdir(parents=True)
    with store.database.writing() as connection:
        connection.execute(text("UPDATE nascale_job SET created = 0"))
        connection.execute(text("UPDATE nascale_job SET ended = ended - 200000 WHERE id = :id"), {"id": old})
    Retention(days=2).apply(store)
    assert [job.id for job in store.list()[0]] == [waiting, young]
    assert not store.folder_of(old).exists()
    assert store.folder_of(young).exists()
    Retention(days=3).apply(store)


def test_of_a_long_log_the_last_lines_are_kept_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as writer:
        for i in range(1000):
            writer.write(f"line {i}\n".encode())
        _, offset = log_tail(path, 0)
        shorten(path, 10_000)
        assert path.stat().st_size > 8000  # short enough
        shorten(path, 5000)
        writer.write(b"more\n")
        _, offset = log_tail(path, offset)
        writer.write(b"last\n")
    lines = path.read_text().splitlines()
    assert lines[-2:] == ["more", "last"]
    assert lines[:-2] == [f"line {i}" for i in range(1000 - len(lines) + 2, 1000)]
    assert 2000 < path.stat().st_size < 2600
    assert [chunk["text"] for chunk in log_tail(path, offset)[0]] == ["last\n"]
