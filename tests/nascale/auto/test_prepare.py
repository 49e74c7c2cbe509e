"""What is searched, and what the longer trainings are judged by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nascale.auto.prepare import PreparedAuto, prepare
from nascale.auto.spec import auto_spec
from nascale.auto.state import State


def prepared(folder: Path, **options: Any) -> PreparedAuto:
    given = {"data": "digits", "max_macs": 1_000_000, "workers": 1, **options}
    return prepare(auto_spec(given, within=120.0, out=folder, threads=1))


@pytest.mark.parametrize(
    ("objective", "searched", "merit"),
    [
        (None, "timed_accuracy", "accuracy"),
        ("accuracy", "accuracy", "accuracy"),
        ("balanced_accuracy", "balanced_accuracy", "balanced_accuracy"),
    ],
)
def test_networks_are_searched_for_equal_time_unless_asked_otherwise(
    tmp_path: Path, objective: str | None, searched: str, merit: str
) -> None:
    work = prepared(tmp_path / "out", objective=objective)
    assert (work.spec.search.objective, work.searched_merit, work.merit) == (searched, searched, merit)
    assert "objective" not in work.state.request or objective is not None


def test_work_of_the_version_before_goes_on_with_its_own_objective(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for kept, wanted in ((True, "timed_accuracy"), (False, "accuracy")):
        state = prepared(out).state
        state.decisions["begun"] = 1.0
        if not kept:
            del state.decisions["objective of the search"]
        out.mkdir(exist_ok=True)
        state.write(1.0)
        assert State.read(out) is not None
        assert prepared(out).spec.search.objective == wanted
