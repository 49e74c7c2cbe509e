"""Connections: how many are open at once, and in what time a request's head arrives on one.

Whoever reaches the port may open connections and say half a request, or nothing, without a token. Such a connection is closed after
a while, and at once where others need its place: the service answers, however many there are.
"""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from socket import socket

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OWN_FILES = 144
"""Files that are left to the service itself: its threads have databases open, jobs their logs."""
AT_ONCE = 16
"""uvicorn's ``backlog``: connections that are taken in before those that have to make room for them are gone."""
WAITING = 2048
"""Connections that the system holds until they are taken in."""
_FEWEST = 16
_HEAD_BYTES = 64 * 1024
"""Of a request's head; more is no request of ours."""


def room(wanted: int) -> int:
    """How many connections there may be: ``wanted`` ones, or what the limit on open files leaves, which is raised as far as
    the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(_FEWEST, min(wanted, soft - _OWN_FILES))


class Server(uvicorn.Server):
    """A server that takes in a few connections at a time, while the system holds those that wait."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(WAITING)


def protocol(most: int, seconds: float) -> type[asyncio.Protocol]:
    """What uvicorn speaks on each connection, of which there are at most ``most``; a request's head has ``seconds`` to arrive."""
    return type("Line", (_Line,), {"lines": {}, "most": most, "seconds": seconds})


class _Line(HttpToolsProtocol):
    """One connection. ``lines`` are all of one server, the oldest first."""

    lines: dict[_Line, None]
    most: int
    seconds: float
    _closing: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.lines[self] = None
        self._hurry()
        if len(self.lines) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lines.pop(self, None)
        self._at_ease()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_idle:
            self._hurry()
        self._head_bytes += len(data)
        super().data_received(data)
        if not self._is_idle:
            self._head_bytes = 0
            self._at_ease()
        elif self._head_bytes > _HEAD_BYTES:
            self.send_400_response("Invalid HTTP request received.")

    @property
    def _is_idle(self) -> bool:
        """Whether nobody is at work on a request of it."""
        return self.cycle is None or self.cycle.response_complete

    def _hurry(self) -> None:
        if self._closing is None:
            self._closing = self.loop.call_later(self.seconds, self.transport.close)

    def _at_ease(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _make_room(self) -> None:
        """Closes the oldest one that is idle, first of those that never asked for anything. Where all are at work, the newest
        is told so when it asks (503)."""
        others = [one for one in self.lines if one is not self and one._is_idle]
        gone = next((one for one in others if one.cycle is None), others[0] if others else None)
        if gone is not None:
            self.lines.pop(gone)
            self.connections.discard(gone)  # it does not count from now on
            gone.transport.abort()
