"""``nascale demo``: the lines that it prints are commands that the command line takes."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from nascale.cli import cli, run
from nascale.commands import demo
from tests import factories


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command lines of the demo, which are not run."""
    printed: list[str] = []
    monkeypatch.setattr(demo, "_run", printed.append)
    monkeypatch.setattr(demo, "_winner", lambda storage: (7, 1_234_567.0))
    return printed


def test_every_step_is_a_command_that_is_there(lines: list[str], tmp_path: Path) -> None:
    place = tmp_path / "my demo"
    assert run(["demo", "--folder", str(place), "--trials", "5", "--workers", "0"]) == 0
    assert [line.split()[1] for line in lines] == ["search", "front", "plot", "show", "scale"]
    for line in lines:
        words = shlex.split(line)[1:]
        group: click.Command = cli
        while isinstance(group, click.Group):
            found = group.get_command(click.Context(group), words.pop(0))
            assert found is not None, line
            group = found
        options = group.make_context("demo", words).params
        assert options.get("storage", f"sqlite:///{place}/demo.db") == f"sqlite:///{place}/demo.db", line
    assert "--trials 5 --workers 0" in lines[0]
    assert "demo:7 --budgets 2.47M,4.94M,9.88M" in lines[-1] and "--write" in lines[-1]


def test_fresh_forgets_the_study_and_nothing_else(lines: list[str], tmp_path: Path) -> None:
    (tmp_path / "demo.db").write_text("old")
    (tmp_path / "mine.txt").write_text("kept")
    assert run(["demo", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "demo.db").exists()
    assert run(["demo", "--folder", str(tmp_path), "--fresh"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_named(
    lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert run(["demo", "--folder", str(tmp_path / "taken" / "inside")]) == 2
    assert "--folder: wanted a folder that can be made" in capsys.readouterr().err
    assert lines == []


def test_a_step_is_printed_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    demo._run("nascale archs mobilenet_v1 --format csv")
    out = capsys.readouterr().out
    assert "$ nascale archs mobilenet_v1 --format csv" in out
    assert "\nmobilenet_v1,224," in out


def test_the_winner_is_the_most_accurate(tmp_path: Path) -> None:
    from results.frame import front

    url = factories.sqlite_study(tmp_path / "demo.db", 12, name=demo.STUDY)
    best = front(demo.STUDY, url).iloc[0]
    assert demo._winner(url) == (best["number"], best["macs"])
