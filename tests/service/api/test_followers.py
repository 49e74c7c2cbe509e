"""Those who follow a job: whoever comes, whenever, hears every event once and in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api import followers
from service.api.followers import Followers
from service.jobs.job import CancelMode, EventType, JobKind
from service.jobs.retention import Retention
from service.jobs.store import JobStore


@pytest.fixture
def store(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStore]:
    monkeypatch.setattr(followers, "_SECONDS", 0.02)
    found = JobStore(database, tmp_path / "jobs")
    yield found
    found.close()


async def heard(follower: Followers, job: str, after: int = 0) -> list[tuple[str, int]]:
    """(type, number) of all that a follower hears."""
    text = b"".join([piece async for piece in follower.follow(job, after)]).decode()
    events = []
    for event in text.split("\n\n")[:-1]:
        fields = dict(line.partition(": ")[::2] for line in event.split("\n"))
        data = json.loads(fields["data"])
        events.append((fields["event"], data.get("sequence", data.get("last"))))
        assert fields.get("id") == (str(data["sequence"]) if "sequence" in data else None)
    return events


def test_each_follower_hears_everything_once(store: JobStore) -> None:
    job = store.submit(JobKind.SEARCH, {})[0].id

    async def main() -> list[list[tuple[str, int]]]:
        all_of_them = Followers(store, 10)
        early = [asyncio.create_task(heard(all_of_them, job)) for _ in range(3)]
        for number in range(40):
            store.append_event(job, EventType.LOG, {"text": f"line {number}\n"})
            if number % 7 == 0:
                early.append(asyncio.create_task(heard(all_of_them, job, after=number)))
                await asyncio.sleep(0.03)
        store.request_cancel(job, CancelMode.STOP)
        return list(await asyncio.gather(*early, heard(all_of_them, job, after=41)))

    found = asyncio.run(main())
    events = [("job", 1), *(("log", number) for number in range(2, 42)), ("job", 42), ("end", 43)]
    assert found[:3] == [events] * 3
    assert found[3:9] == [events[number:] for number in range(0, 40, 7)]
    assert found[9] == events[41:]


def test_one_whose_place_is_gone_is_told_so_and_gets_what_is_left(store: JobStore) -> None:
    job = store.submit(JobKind.SEARCH, {})[0].id
    for number in range(20):
        store.append_event(job, EventType.LOG, {"text": f"{number}"})
    store.request_cancel(job, CancelMode.STOP)
    Retention(events=5).apply(store)
    kept = [("log", 19), ("log", 20), ("log", 21), ("job", 22), ("end", 23)]
    for after in (3, 99):
        assert asyncio.run(heard(Followers(store, 1), job, after)) == [("reset", 23), *kept]


def test_a_job_that_is_removed_ends_its_stream(store: JobStore) -> None:
    job = store.submit(JobKind.SEARCH, {})[0].id

    async def main() -> list[tuple[str, int]]:
        following = asyncio.create_task(heard(Followers(store, 1), job))
        await asyncio.sleep(0.1)
        with store.database.writing() as connection:
            from sqlalchemy import text

            connection.execute(text("DELETE FROM nascale_job_event"))
            connection.execute(text("DELETE FROM nascale_job"))
        return await following

    assert asyncio.run(main()) == [("job", 1)]


def test_a_quiet_line_is_kept_open(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "_QUIET_SECONDS", 0.02)
    job = store.submit(JobKind.SEARCH, {})[0].id

    async def main() -> list[bytes]:
        stream = Followers(store, 1).follow(job, 1)
        return [await anext(stream) for _ in range(2)]

    assert all(piece.startswith(b":") for piece in asyncio.run(main()))
