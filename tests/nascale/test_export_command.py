"""``nascale export``: what the command adds to the export itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascale.cli import run
from tests.evaluators.trained.made_run import made_run


def test_the_help_lists_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--help"]) == 0
    told = capsys.readouterr().out
    assert "torch        a torch.export program (.pt2)" in told
    assert "the ONNX graph in 8 bits\n" not in told  # it is asked for by an option of its own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "tflite"], "--to: no such name 'tflite' (known:"),
        (["--to", "onx"], "--to: no such name 'onx' (nearest: onnx)"),
        (["--photos", "0"], "--photos: wanted a positive whole number, got 0"),
        (["--threads", "-1"], "--threads: wanted a positive whole number, got -1"),
        (["--data", "npz:nowhere.npz"], "nowhere.npz"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    made_run(folder)
    before = sorted(folder.iterdir())
    assert run(["export", str(folder), *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_a_folder_without_a_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(tmp_path)]) == 2
    assert "RUN: wanted a folder that nascale train made" in capsys.readouterr().err
