"""A service as a process of its own, and a client that speaks to it with the token."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import uvicorn
from fastapi import FastAPI

from tests.processes import environment

TOKEN = "a-token-for-tests-only"


@dataclass(frozen=True)
class Serving:
    """A service that runs: its address, the folder in which it was started, and its process where it has one of its own.

    Its database is ``storage``, or store.db in the folder.
    """

    url: str
    place: Path
    process: subprocess.Popen[str] | None = None
    storage: str = ""

    @property
    def database(self) -> str:
        return self.storage or f"sqlite:///{self.place / 'store.db'}"

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # Certificates of others take 0.1 s to load.
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=False)

    def megabytes(self) -> float:
        """What its process, without its jobs, has in memory now (resident)."""
        return float(self._process.memory_info().rss) / 1e6

    def processor_seconds(self) -> float:
        """What its process, without its jobs, has taken of a processor."""
        used = self._process.cpu_times()
        return float(used.user + used.system)

    @property
    def _process(self) -> psutil.Process:
        assert self.process is not None
        return psutil.Process(self.process.pid)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def serving(
    place: Path, *arguments: str, program: Sequence[str] = ("-m", "nascale"), **changes: str
) -> Iterator[Serving]:
    """``nascale serve`` in ``place``, until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--port", str(port), *arguments],
        cwd=place,
        env=environment(NASCALE_TOKEN=TOKEN, HOME=str(place), OMP_NUM_THREADS="1", **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    found = Serving(f"http://127.0.0.1:{port}", place, process)
    try:
        wait_for(found, process)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def wait_for(found: Serving, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    with found.client() as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                assert process.stdout is not None
                raise AssertionError(process.stdout.read())
            try:
                if client.get("/v1/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise AssertionError("the service did not answer")


@contextmanager
def in_thread(app: FastAPI) -> Iterator[str]:
    """The address of an application that runs in a thread until the block ends."""
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    with running(uvicorn.Server(config)) as (host, port):
        yield f"http://{host}:{port}"


@contextmanager
def running(server: uvicorn.Server) -> Iterator[tuple[str, int]]:
    """The host and port of a server that runs in a thread until the block ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join(20)
