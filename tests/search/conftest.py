"""Tables that several tests search."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.table import TableEvaluator
from evaluators.table_file import open_table
from evaluators.table_settings import read_settings
from tests.search.small_table import write_small_table


@pytest.fixture
def small_table(tmp_path: Path) -> TableEvaluator:
    """The table of ``tests.search.small_table``."""
    return open_table(read_settings(write_small_table(tmp_path)))
