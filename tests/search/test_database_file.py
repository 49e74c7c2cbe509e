"""The file of a SQLite storage: what is damage, and what only looks like it while another process is at work on it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from search.database_file import DatabaseFile
from space.errors import RunError

SIZE_AT = 28
"""Of the pages, in the header (the format's documentation, 1.3)."""


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A database most of whose pages are in its log, held open as another process would have it."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE rows (content BLOB)")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
                      "INSERT INTO rows SELECT randomblob(4000) FROM n")  # fmt: skip
        yield path


def fold_first_page(path: Path) -> None:
    """Leaves the file as one who folds the log into it and is stopped, or killed, after the first page."""
    with closing(sqlite3.connect(path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    descriptor = os.open(path, os.O_WRONLY)
    os.pwrite(descriptor, int(pages).to_bytes(4, "big"), SIZE_AT)
    # It stays open: to close it would end the locks of SQLite's own connections in this process.
    assert os.fstat(descriptor).st_size < 4096 * pages


def test_a_log_that_is_half_folded_in_is_no_damage(path: Path) -> None:
    file = DatabaseFile(f"sqlite:///{path}")
    fold_first_page(path)
    file.check()
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert later.execute("SELECT count(*), min(length(content)) FROM rows").fetchone() == (50, 4000)
    file.check()
    file.close()


def test_a_file_whose_pages_are_nowhere_is_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = DatabaseFile(f"sqlite:///{path}")
    file.check()
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(RunError, match=r"store\.db was overwritten or damaged while the search was running"):
        file.check()
    file.close()
