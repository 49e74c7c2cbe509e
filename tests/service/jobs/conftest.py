"""A store of jobs on both databases: its tables are made once for a file of tests, and empty before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from service.jobs.store import JobStore


@pytest.fixture(scope="module")
def opened(database_of_file: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobStore]:
    """A store in a database of its own."""
    store = JobStore(database_of_file, tmp_path_factory.mktemp("store"))
    yield store
    store.close()


@pytest.fixture
def store(opened: JobStore, tmp_path: Path) -> JobStore:
    """A store without jobs."""
    opened.folder = tmp_path / "jobs"
    with opened.database.writing() as connection:
        connection.execute(text("DELETE FROM nascale_job_event"))
        connection.execute(text("DELETE FROM nascale_job"))
        connection.execute(text("DELETE FROM nascale_schema WHERE version = 99"))
    return opened
