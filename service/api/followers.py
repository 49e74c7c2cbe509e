"""Those who follow jobs: each job is read once for all of its followers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from service.jobs.errors import NoSuchJob
from service.jobs.job import Event, EventType

if TYPE_CHECKING:
    from service.jobs.store import JobStore

_SECONDS = 0.5
_REMEMBERED = 500


class _Feed:
    """The newest events of one job, for those who follow it now."""

    def __init__(self, store: JobStore, job: str) -> None:
        self._store, self._job = store, job
        self._events: deque[Event] = deque(maxlen=_REMEMBERED)
        self._news = asyncio.Event()
        self.followers = 0
        self.task: asyncio.Task[None] | None = None

    async def read(self, last: int) -> None:
        """Reads what comes behind event ``last``, again and again."""
        while True:
            try:
                found = await run_sync(self._store.events, self._job, last)
            except NoSuchJob:
                return  # it was removed
            except SQLAlchemyError:
                await asyncio.sleep(10 * _SECONDS)  # the database is away, and may come back
                continue
            if found.items:
                last = found.items[-1].number
                self._events.extend(found.items)
                self._news.set()
                self._news = asyncio.Event()
            await asyncio.sleep(_SECONDS)

    def since(self, after: int) -> list[Event] | None:
        """The events behind number ``after``; None where not all of them are remembered."""
        if not self._events:
            return []
        if self._events[0].number > after + 1:
            return None
        return [event for event in self._events if event.number > after]

    async def changed(self) -> None:
        """Returns when there is more, or after a while in which there was not."""
        try:
            async with asyncio.timeout(10 * _SECONDS):
                await self._news.wait()
        except TimeoutError:
            return


class Followers:
    """Gives events to those who follow jobs, at most ``most`` at once."""

    def __init__(self, store: JobStore, most: int) -> None:
        self._store, self._most = store, most
        self._feeds: dict[str, _Feed] = {}
        self._open = 0

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Holds one of the places; False where all are taken."""
        if self._open >= self._most:
            yield False
            return
        self._open += 1
        try:
            yield True
        finally:
            self._open -= 1

    async def follow(self, job: str, after: int) -> AsyncIterator[Event | int]:
        """The events of a job behind number ``after``, until it has ended.

        Where some of them are kept no more, the number of the newest that there is comes first, then the oldest that are kept.
        """
        feed = await self._feed(job)
        try:
            while True:
                events = feed.since(after)
                if not events:  # not remembered, or none: the database knows whether one was removed
                    found = await run_sync(self._store.events, job, after)
                    if found.gone:
                        yield found.last
                        after = 0
                    events = list(found.items)
                for event in events:
                    yield event
                    after = event.number
                if events and events[-1].type is EventType.END:
                    job_now = await run_sync(self._store.get, job)
                    if job_now.state.ended:
                        return
                if not events:
                    await feed.changed()
        except NoSuchJob:
            return  # it was removed
        finally:
            self._leave(job, feed)

    async def _feed(self, job: str) -> _Feed:
        last = (await run_sync(self._store.events, job, 0, 1)).last
        feed = self._feeds.get(job)
        if feed is None:
            feed = self._feeds[job] = _Feed(self._store, job)
            feed.task = asyncio.create_task(feed.read(last))
        feed.followers += 1
        return feed

    def _leave(self, job: str, feed: _Feed) -> None:
        feed.followers -= 1
        if feed.followers == 0:
            assert feed.task is not None
            feed.task.cancel()
            self._feeds.pop(job, None)
