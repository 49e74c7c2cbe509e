"""A client that takes as little of the processors as it can: what it asks stands on the same machine.

Requests go over connections that stay open, and of an answer only the status and the length are looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlsplit

P = TypeVar("P", bound="_Open")


class LightClient:
    """Asks the service at ``url`` with ``token``."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._head = f"Host: {self._host}:{self._port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._idle: list[_Connection] = []
        self._all: list[asyncio.Transport] = []

    async def get(self, path: str) -> int:
        """The status of the answer, once all of it has come. Raises ConnectionError."""
        while self._idle and self._idle[-1].transport.is_closing():
            self._idle.pop()  # the service closes those that were quiet for a while
        connection = self._idle.pop() if self._idle else await self._opened(_Connection())
        status = await connection.ask(self._request(path))
        self._idle.append(connection)
        return status

    async def follow(self, path: str) -> Follower:
        """A stream of events that is read from now on."""
        follower = await self._opened(Follower())
        follower.transport.write(self._request(path))
        return follower

    def close(self) -> None:
        """Lets go of all connections."""
        for transport in self._all:
            transport.abort()

    async def _opened(self, protocol: P) -> P:
        await asyncio.get_running_loop().create_connection(lambda: protocol, self._host, self._port)
        self._all.append(protocol.transport)
        return protocol

    def _request(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n{self._head}".encode()


class _Open(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


class _Connection(_Open):
    """One request after another; answers are told their length."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[int] | None = None
        self._head, self._status, self._left = b"", 0, 0

    def ask(self, request: bytes) -> asyncio.Future[int]:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._status, self._left, self._head = int(head[9:12]), int(length) - len(body), b""
        else:
            self._left -= len(data)
        if not self._left and self._answer is not None:
            self._answer.set_result(self._status)
            self._answer = None

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the connection was closed"))


class Follower(_Open):
    """Counts the events of a stream."""

    def __init__(self) -> None:
        self.heard, self.status, self._rest = 0, 0, b""
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        if not self.status:
            self.status = int(data[9:12])
        data = self._rest + data
        self.heard += data.count(b"event: ")
        self._rest = data[-6:]

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set()


async def asked_steadily(
    client: LightClient, paths: Sequence[str], rate: float, seconds: float
) -> tuple[list[float], int]:
    """(seconds that each request took, how many failed) at ``rate`` requests a second, whether or not others are answered.

    A request that is sent late, as the processors were taken, counts from the moment at which it was due.
    """
    taken: list[float] = []
    failed = 0

    async def one(path: str, due: float) -> None:
        nonlocal failed
        try:
            failed += await client.get(path) != 200
        except OSError:
            failed += 1
        taken.append(time.perf_counter() - due)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(paths[number % len(paths)], due))
    return taken, failed
