"""Answers that were given a moment ago are given again: many may poll a study, and one of them has it read.

An answer serves while the database has not changed, and for as long after it was made as ``service.age`` allows; while it is being made
anew, what was given before serves all others. Each has an ``ETag``, under which 304 says that nothing has changed.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.age import allowed_seconds

_MOST_SECONDS = 10.0
"""For which it serves while another is being made."""
_MOST_BYTES = 32 * 2**20
_HEALTH = "/v1/health"
_PATHS = re.compile(r"/v1/(health|studies(/[^/]+(/(front|trials(/[0-9]+)?))?)?)")
"""What many ask for again and again, and what is small."""
State = tuple[int, object]
_Key = tuple[str, bytes, str, str]


@dataclass(frozen=True)
class _Answer:
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    etag: bytes
    state: State
    made: float
    took: float

    def serves(self, state: State, coming: bool) -> bool:
        """Whether it is to be given in this ``state``, also if another one is ``coming``."""
        epoch, stamp = state
        if self.state[0] != epoch:
            return False
        seconds = _MOST_SECONDS if coming else allowed_seconds(self.took)
        return (stamp is not None and stamp == self.state[1]) or time.monotonic() - self.made < seconds

    async def send(self, scope: Scope, send: Send) -> None:
        same = Headers(scope=scope).get("if-none-match", "").encode("latin-1") == self.etag
        headers = [(b"etag", self.etag)] if same else list(self.headers)
        await send({"type": "http.response.start", "status": 304 if same else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if same else self.body})


class Remembered:
    """Stands before ``app``. ``state`` says (epoch, stamp): nothing made in an earlier epoch serves, and the stamp is another
    whenever the database is, or None where that cannot be told."""

    def __init__(self, app: ASGIApp, state: Callable[[], State]) -> None:
        self._app, self._state = app, state
        self._kept: OrderedDict[_Key, _Answer] = OrderedDict()
        self._bytes = 0
        self._coming: dict[_Key, asyncio.Future[_Answer | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _PATHS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = (scope["path"], scope["query_string"], headers.get("accept", ""), headers.get("host", ""))
        epoch, stamp = self._state()
        state = (epoch, None if scope["path"] == _HEALTH else stamp)
        found, coming = self._kept.get(key), self._coming.get(key)
        if found is not None and found.serves(state, coming is not None):
            await found.send(scope, send)
            return
        if coming is not None:
            found = await asyncio.shield(coming)
            if found is not None and found.state[0] == epoch:
                await found.send(scope, send)
            else:
                await self._app(scope, receive, send)
            return
        await self._made(key, state, scope, receive, send)

    async def _made(self, key: _Key, state: State, scope: Scope, receive: Receive, send: Send) -> None:
        """Has the answer made, gives it, and keeps it for others where it is one to be kept."""
        coming = self._coming[key] = asyncio.get_running_loop().create_future()
        start: list[Message] = []
        pieces: list[bytes] = []
        answer = None
        begun = time.monotonic()

        async def take(message: Message) -> None:
            nonlocal answer
            if message["type"] == "http.response.start" and message["status"] == 200:
                start.append(message)
            elif not start:
                await send(message)
            else:
                pieces.append(message.get("body", b""))
                if not message.get("more_body", False):
                    answer = _answer(start[0], b"".join(pieces), state, time.monotonic() - begun)

        try:
            await self._app(scope, receive, take)
        finally:
            del self._coming[key]
            if answer is not None:
                self._keep(key, answer)
            coming.set_result(answer)
        if answer is not None:
            await answer.send(scope, send)

    def _keep(self, key: _Key, answer: _Answer) -> None:
        old = self._kept.pop(key, None)
        self._kept[key] = answer
        self._bytes += len(answer.body) - (0 if old is None else len(old.body))
        while self._bytes > _MOST_BYTES or len(self._kept) > 1000:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)


def _answer(start: Message, body: bytes, state: State, took: float) -> _Answer:
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'.encode()
    headers = (*((name, value) for name, value in start["headers"]), (b"etag", etag))
    return _Answer(headers, body, etag, state, time.monotonic(), took)
