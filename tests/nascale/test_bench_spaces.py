"""``nascale bench spaces``: random networks of each space, kept as studies that the same command goes on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nascale.cli import run
from results.studies import load

ASKED = (
    "bench spaces mbconv around-budget --data digits --epochs 1 --fraction 0.1 --max-macs 300K --workers 0"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASCALE_STORAGE", raising=False)
    return tmp_path


def test_spaces_are_compared_and_the_same_command_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*ASKED.split(), "--networks", "3", "--format", "json", "--plot", "errors.png"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [row["space"] for row in first] == ["mbconv", "around-budget"]
    assert (folder / "errors.png").stat().st_size > 10_000
    for row in first:
        assert row["networks"] == 3 and row["failed"] == 0
        assert 0 < row["share_within"] <= 1
        assert row["lower_quartile"] <= row["median_error"] <= row["upper_quartile"]
    assert first[0].get("median_above_first") is None
    difference = first[1]["median_error"] - first[0]["median_error"]
    assert first[1]["median_above_first"] == pytest.approx(difference)
    trials = load("spaces-mbconv").trials
    assert len(trials) == 3 and all(t.stock is None and t.repeat_of is None for t in trials)
    assert run([*ASKED.split(), "--networks", "4", "--format", "json"]) == 0
    assert [row["networks"] for row in json.loads(capsys.readouterr().out)] == [4, 4]
    assert [t.key for t in load("spaces-mbconv").trials[:3]] == [t.key for t in trials]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("bench spaces mbcnv --workers 0", "space: no such name 'mbcnv'"),
        ("bench spaces mbconv mbconv --workers 0", "SPACE: wanted each space once"),
        ("bench spaces around-budget --workers 0", "space around-budget: wanted a budget to build around"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    words: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == 2
    assert message in capsys.readouterr().err
    assert not list(folder.iterdir())
