"""What tests of several packages share: the databases in which studies are kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Server, why_no_server

DATABASES = ("sqlite", "postgresql")
LONG = (
    "nascale/test_main_job.py",
    "evaluators/pools/test_ray.py",
    "evaluators/test_pruned_search.py",
    "evaluators/pools/test_contract.py",
    "test_fuzz.py",
    "space/test_cost.py",
    "search/samplers/test_samplers.py",
    "nascale/test_scale.py",
    "evaluators/export/formats/test_formats.py",
    "nascale/test_train.py",
    "nascale/test_verify.py",
    "nascale/test_proxy_check.py",
    "search/test_trial_store.py",
)
"""Files that take long, the longest first: of two processes, the one that began such a file last would work alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files before all others."""
    begin = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: begin.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def own_signal_handlers() -> Iterator[None]:
    """What a command does on Ctrl-C and SIGTERM ends with its test.

    Left in place, it would turn the SIGTERM that is to end the whole run into the failure of whichever test runs.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


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
