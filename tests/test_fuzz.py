"""Malformed input of every kind: exit status 0, 1 or 2, one line of error, nothing executed or left behind.

``bench/fuzz.py`` runs as many as one likes. A case is made again by its group, seed and number.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.fuzzing.groups import GROUPS
from tests.processes import ROOT, environment

OF_EACH_KIND = [40, pytest.param(200, marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def reports(cases: int) -> Iterator[Iterator[str]]:
    """The lines of one runner for all groups: what the commands import is loaded once."""
    runner = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzzing.running", "--cases", str(cases)],
        cwd=ROOT,
        env=environment(OMP_NUM_THREADS="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout is not None and runner.stderr is not None
    try:
        yield runner.stdout
    finally:
        runner.kill()
        runner.communicate()


@pytest.mark.parametrize("cases", OF_EACH_KIND, ids=str, scope="module")
@pytest.mark.parametrize("group", GROUPS)
def test_malformed_input_is_refused_in_one_line(group: str, cases: int, reports: Iterator[str]) -> None:
    report = next(json.loads(line) for line in reports if line.startswith("{"))
    assert report["group"] == group
    shown = [f"#{fault['number']} {fault['why']}: {fault['arguments']}"[:300] for fault in report["faults"]]
    assert not shown
    assert sum(report["statuses"].values()) == cases and set(report["statuses"]) <= {"0", "1", "2"}
    assert report["statuses"]["2"] > cases / 4  # the cases are malformed
