"""Those who follow jobs: each job is read once for all of its followers, and each event is written down once."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from nascale.output import plain_document
from service.jobs.errors import NoSuchJob
from service.jobs.job import Event, EventType

if TYPE_CHECKING:
    from service.jobs.store import JobStore

_SECONDS = 0.5
_QUIET_SECONDS = 15.0
"""After which a comment shows that the line is open."""
_COMMENT = b": nothing new\n\n"
_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class _Told:
    """An event as followers get it."""

    number: int
    ends: bool
    text: bytes

    @classmethod
    def of(cls, event: Event) -> Self:
        data = plain_document(event.data) | {"sequence": event.number, "time": event.time.isoformat()}
        text = f"event: {event.type.value}\nid: {event.number}\ndata: {json.dumps(data, allow_nan=False)}\n\n"
        return cls(event.number, event.type is EventType.END, text.encode())


class _Feed:
    """The newest events of one job, for those who follow it now; ``last`` is the number of the newest."""

    def __init__(self, store: JobStore, job: str, last: int) -> None:
        self._store, self._job, self.last = store, job, last
        self._events: deque[_Told] = deque(maxlen=_REMEMBERED)
        self._news = asyncio.Event()
        self.removed = False
        self.followers = 0
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """Reads what is new, again and again."""
        while True:
            try:
                found = await run_sync(self._store.events, self._job, self.last)
            except NoSuchJob:
                self.removed = True
                self._news.set()
                return
            except SQLAlchemyError:
                await asyncio.sleep(10 * _SECONDS)  # the database is away, and may come back
                continue
            if found.items:
                self._events.extend(map(_Told.of, found.items))
                self.last = found.items[-1].number
                self._news.set()
                self._news = asyncio.Event()
            await asyncio.sleep(_SECONDS)

    def since(self, after: int) -> list[_Told] | None:
        """The events behind number ``after``; None where not all of them are remembered, or there is no such number."""
        if after == self.last:
            return []
        if after > self.last or not self._events or self._events[0].number > after + 1:
            return None
        return [event for event in self._events if event.number > after]

    async def changed(self) -> bool:
        """Returns when there is more, or after a while in which there was not: whether there is."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return False
        return True


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

    async def follow(self, job: str, after: int) -> AsyncIterator[bytes]:
        """The events of a job behind number ``after`` as a stream of server-sent events, until it has ended.

        Where some of them are kept no more, ``reset`` comes first, then the oldest that are kept.
        """
        feed = await self._feed(job)
        try:
            while not feed.removed:
                events = feed.since(after)
                if events is None:
                    found = await run_sync(self._store.events, job, after)
                    if found.gone:
                        yield f'event: reset\ndata: {{"last": {found.last}}}\n\n'.encode()
                    events = list(map(_Told.of, found.items))
                    after = events[-1].number if events else found.last
                elif events:
                    after = events[-1].number
                if events:
                    yield b"".join(event.text for event in events)
                    if events[-1].ends and (await run_sync(self._store.get, job)).state.ended:
                        return
                elif not await feed.changed():
                    yield _COMMENT
        except NoSuchJob:
            return  # it was removed
        finally:
            self._leave(job, feed)

    async def _feed(self, job: str) -> _Feed:
        feed = self._feeds.get(job)
        if feed is None:
            last = (await run_sync(self._store.events, job, 0, 1)).last
            feed = self._feeds.get(job) or _Feed(self._store, job, last)  # another may have come meanwhile
            self._feeds[job] = feed
        feed.followers += 1
        return feed

    def _leave(self, job: str, feed: _Feed) -> None:
        feed.followers -= 1
        if feed.followers == 0:
            feed.task.cancel()
            if self._feeds.get(job) is feed:
                del self._feeds[job]
