"""A store of jobs on both databases: its tables are made once for a file of tests, and empty before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from service.jobs.store import JobStore
from tests.conftest import DATABASES


@pytest.fixture(scope="module", params=DATABASES)
def tables(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with the tables of studies and jobs."""
    folder = tmp_path_factory.mktemp("tables")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'store.db'}"
        JobStore(url, folder).close()
        yield url
        return
    server = request.getfixturevalue("started_server")
    url = server.create()
    JobStore(url, folder).close()
    yield url
    server.drop(url)


@pytest.fixture
def store(tables: str, tmp_path: Path) -> Iterator[JobStore]:
    """A store without jobs."""
    store = JobStore(tables, tmp_path / "jobs")
    with store.database.writing() as connection:
        connection.execute(text("DELETE FROM nascale_job_event"))
        connection.execute(text("DELETE FROM nascale_job"))
        connection.execute(text("DELETE FROM nascale_schema WHERE version = 99"))
    yield store
    store.close()
