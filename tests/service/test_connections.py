"""A thousand connections that say half a request, and a thousand streams: the service answers others, and is as before after."""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the service needs the extra nascale[serve]")

import uvicorn

from service import connections
from tests.service.api.serving import TOKEN, Serving, running, serving

MANY = 1000
ASKED = ("/v1/health", "/v1/jobs", "/v1/studies", "/v1/data")
PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))
from service.jobs.supervisor import Supervisor
Supervisor.start = Supervisor.stop = lambda self: None
from nascale.cli import main
main()
"""
"""``nascale`` under a limit on open files, whose jobs wait for ever."""


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    """Says ok, at once or half a minute after it has begun to."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    if scope["path"] == "/slow":
        await asyncio.sleep(30)
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def line_of(most: int, seconds: float) -> Iterator[tuple[str, int]]:
    """The address of a server with at most so many connections, on which a head has so many seconds."""
    config = uvicorn.Config(
        _answer,
        lifespan="off",
        log_level="critical",
        http=connections.protocol(most, seconds),
        limit_concurrency=most + 1,
        backlog=connections.AT_ONCE,
        timeout_graceful_shutdown=1,
    )
    with running(connections.Server(config)) as address:
        yield address


def opened(stack: ExitStack, address: tuple[str, int], said: bytes) -> socket.socket:
    """A connection on which this was said, for as long as ``stack`` is."""
    found = stack.enter_context(socket.create_connection(address, timeout=30))
    with suppress(OSError):
        found.sendall(said)
    return found


def heard(connection: socket.socket, size: int = 4096) -> bytes:
    """What comes next; nothing where it was closed."""
    try:
        return connection.recv(size)
    except (ConnectionError, BrokenPipeError):
        return b""


def whole(connection: socket.socket) -> bytes:
    """An answer of the server of ``line_of``."""
    said = b""
    while not said.endswith(b"ok") and (piece := heard(connection)):
        said += piece
    return said


HALF, WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("before", [b"", WHOLE])
@pytest.mark.parametrize("said", [b"G", HALF])
def test_half_a_request_is_waited_for_so_long_and_no_longer(before: bytes, said: bytes) -> None:
    with line_of(10, 0.2) as address, ExitStack() as stack:
        connection = opened(stack, address, before)
        if before:
            assert whole(connection).endswith(b"ok")
        connection.sendall(said)
        assert heard(connection) == b""


def test_a_head_without_an_end_is_refused() -> None:
    with line_of(4, 20.0) as address, ExitStack() as stack:
        line = b"a: " + b"b" * 995 + b"\r\n"
        usual = opened(stack, address, HALF + 60 * line + b"\r\n")
        assert whole(usual).endswith(b"ok")
        endless = opened(stack, address, HALF + 2000 * line)
        with suppress(ConnectionError):
            endless.sendall(b"\r\n")
        assert b" 200 " not in heard(endless)
        assert whole(opened(stack, address, WHOLE)).endswith(b"ok")


def test_those_that_wait_make_room_and_those_at_work_do_not() -> None:
    with line_of(4, 30) as address, ExitStack() as stack:
        slow = [opened(stack, address, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(3)]
        assert all(b"200 OK" in heard(one) for one in slow)
        silent = [opened(stack, address, HALF) for _ in range(20)]
        assert whole(opened(stack, address, WHOLE)).endswith(b"ok")
        assert all(heard(one) == b"" for one in silent)  # each made room for the next
        for one in slow:
            one.settimeout(0.01)
            with pytest.raises(TimeoutError):
                one.recv(1)


def test_where_all_are_at_work_the_next_is_refused() -> None:
    with line_of(3, 30) as address, ExitStack() as stack:
        slow = [opened(stack, address, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(3)]
        assert all(b"200 OK" in heard(one) for one in slow)
        assert heard(opened(stack, address, WHOLE)).startswith(b"HTTP/1.1 503")


@pytest.mark.slow
def test_many_are_harmless_where_few_files_may_be_open(tmp_path: Path) -> None:
    _attacked(tmp_path, 256)


@pytest.mark.slow
@pytest.mark.parametrize("files", [1024, 4096])
def test_many_are_harmless(tmp_path: Path, files: int) -> None:
    _attacked(tmp_path, files)


def _attacked(place: Path, files: int) -> None:
    """A service under this limit on open files answers under both attacks, keeps within bounds, and recovers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2 * MANY and hard < 2 * MANY:
        pytest.skip(f"wanted a limit of {2 * MANY} open files for the attacker, got {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * MANY), hard))
    storage = f"sqlite:///{place / 'store.db'}"
    program = ("-c", PROGRAM.format(files=files))
    with serving(place, "--storage", storage, program=program) as found, ExitStack() as stack:
        host, port = found.url.removeprefix("http://").split(":")
        address = host, int(port)
        with found.client() as client:
            spec = {"kind": "search", "spec": {"data": "digits", "trials": 3}}
            job = client.post("/v1/jobs", json=spec).json()["id"]
        _answers(found, "alone")
        memory, open_files = _resident(found), _open_files(found)

        half = f"GET /v1/jobs HTTP/1.1\r\nHost: {host}\r\nAuthorization: Be".encode()
        with ExitStack() as attack:
            for _ in range(MANY):
                opened(attack, address, half)
            _answers(found, f"beside {MANY} halves of a request")
            assert _open_files(found) <= files

        following = f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        with ExitStack() as attack:
            streams = [opened(attack, address, following) for _ in range(MANY)]
            said = Counter(heard(one, 12)[9:].decode() for one in streams)
            print(f"{files} files: {MANY} streams, of which {dict(said)}", file=sys.stderr)
            most = min(100, (min(1000, files - connections._OWN_FILES)) // 2)
            assert said["200"] == most
            assert set(said) <= {"200", "429", "503", ""}
            assert said["429"] > 0
            _answers(found, f"beside {MANY} streams")
            assert _open_files(found) <= files

        deadline = time.monotonic() + 60
        while _open_files(found) > open_files + 40 and time.monotonic() < deadline:
            time.sleep(0.1)
        print(
            f"{files} files: {open_files} open before, {_open_files(found)} after; memory "
            f"{memory / 1e6:.0f} MB before, {_resident(found) / 1e6:.0f} MB after",
            file=sys.stderr,
        )
        assert _open_files(found) <= open_files + 40
        assert _resident(found) < memory + 100e6
        connection = opened(stack, address, following)
        assert heard(connection, 12) == b"HTTP/1.1 200"


def _answers(found: Serving, when: str) -> None:
    """That everything asked for comes, on a new connection each."""
    worst = 0.0
    for path in ASKED:
        with found.client() as client:
            start = time.perf_counter()
            assert client.get(path).status_code == 200, (path, when)
            worst = max(worst, time.perf_counter() - start)
    print(f"{when}: the slowest of {len(ASKED)} answers took {worst:.3f} s", file=sys.stderr)


def _open_files(found: Serving) -> int:
    assert found.process is not None
    return len(list(Path(f"/proc/{found.process.pid}/fd").iterdir()))


def _resident(found: Serving) -> int:
    assert found.process is not None
    return int(Path(f"/proc/{found.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()
