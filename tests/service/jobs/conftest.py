"""A store of jobs on both databases: its tables are made once for a file of tests, and empty before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from service.jobs.store import JobStore
from tests.conftest import DATABASES


@pytest.fixture(scope="module", params=DATABASES)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobStore]:
    """A store in a database of its own."""
    folder = tmp_path_factory.mktemp("store")
    server = request.getfixturevalue("started_server") if request.param == "postgresql" else None
    url = f"sqlite:///{folder / 'store.db'}" if server is None else server.create()
    store = JobStore(url, folder)
    yield store
    store.close()
    if server is not None:
        server.drop(url)


@pytest.fixture
def store(opened: JobStore, tmp_path: Path) -> JobStore:
    """A store without jobs."""
    opened.folder = tmp_path / "jobs"
    with opened.database.writing() as connection:
        connection.execute(text("DELETE FROM nascale_job_event"))
        connection.execute(text("DELETE FROM nascale_job"))
        connection.execute(text("DELETE FROM nascale_schema WHERE version = 99"))
    return opened
