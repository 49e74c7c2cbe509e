"""What tests of several packages share: the databases in which studies are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Server, why_no_server

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def started_server() -> Iterator[Server]:
    """A PostgreSQL server for the whole run of the tests."""
    missing = why_no_server()
    if missing:
        pytest.skip(missing)
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def postgresql(started_server: Server) -> Iterator[tuple[Server, str]]:
    """The server, and the URL of a fresh database on it."""
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    opened: list[Any] = []

    def note(connection: Any, record: Any) -> None:
        opened.append(connection)

    url = started_server.create()
    event.listen(Pool, "connect", note)
    try:
        yield started_server, url
    finally:
        event.remove(Pool, "connect", note)
        # Optuna's own storages never close theirs.
        for connection in opened:
            connection.close()
        started_server.drop(url)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database: a SQLite file in ``tmp_path`` that is not there yet, or an empty one on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    _, url = request.getfixturevalue("postgresql")
    return str(url)
