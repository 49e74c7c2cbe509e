"""A node whose memory others fill: for real, by Ray's own memory monitor with a threshold below what is in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.studies import load
from results.trial_result import Status
from tests.processes import python


@pytest.mark.slow
def test_a_search_on_a_full_node_stops_after_its_patience_and_holds_nothing_against_a_network(
    tmp_path: Path,
) -> None:
    storage = f"sqlite:///{tmp_path / 'store.db'}"
    full = python(
        *(
            "-m",
            "nascale",
            "search",
            "--study",
            "s",
            "--storage",
            storage,
            "--data",
            "digits",
            "--epochs",
            "1",
        ),
        *("--sampler", "random", "--trials", "2", "--workers", "1", "--patience", "2s", "--quiet"),
        cwd=tmp_path,
        timeout=150,
        RAY_memory_usage_threshold="0.01",
        RAY_memory_monitor_refresh_ms="100",
    )
    assert full.returncode == 1
    assert "was killed because its node ran low on memory" in full.stderr and "--patience" in full.stderr
    assert "Traceback" not in full.stderr
    assert [trial.status for trial in load("s", storage).trials] == [Status.WAITING]
