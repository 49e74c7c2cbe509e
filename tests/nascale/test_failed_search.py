"""A search in which every trial failed has failed: exit status 1, and whoever calls it from Python is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nascale
from nascale.cli import run
from space.errors import RunError

DIVERGING: dict[str, Any] = {
    "trials": 2,
    "epochs": 1,
    "fraction": 0.2,
    "learning_rate": 1e18,
    "warmup": 0.0,
    "repeats": 0,
    "workers": 0,
}


def test_a_search_whose_trials_all_fail_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = f"sqlite:///{tmp_path / 'store.db'}"
    message = r"study s: 2 of 2 trials failed; the last, nan: the (training|validation) loss became nan"
    with pytest.raises(RunError, match=message):
        nascale.search(**DIVERGING, study="s", storage=storage, sampler="random")
    options = [f"--{name.replace('_', '-')}={value}" for name, value in DIVERGING.items()]
    arguments = ["search", *options, "--study=s", f"--storage={storage}", "--sampler=random", "--quiet"]
    assert run(arguments) == 1
    captured = capsys.readouterr()
    assert "study s: 2 trials" in captured.out and captured.err.startswith(
        "error: study s: 2 of 2 trials failed"
    )
