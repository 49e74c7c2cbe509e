"""``nascale demo``: the lines that it prints are commands that the command line takes."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from nascale.cli import cli, run
from nascale.commands import demo


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command lines of the demo, which are not run."""
    printed: list[str] = []
    monkeypatch.setattr(demo, "_run", printed.append)
    return printed


def test_every_step_is_a_command_that_is_there(lines: list[str], tmp_path: Path) -> None:
    place = tmp_path / "my demo"
    assert run(["demo", "--folder", str(place), "--within", "3min", "--workers", "1"]) == 0
    assert [line.split()[1] for line in lines] == ["auto", "front", "plot"]
    for line in lines:
        words = shlex.split(line)[1:]
        group: click.Command = cli
        while isinstance(group, click.Group):
            found = group.get_command(click.Context(group), words.pop(0))
            assert found is not None, line
            group = found
        options = group.make_context("demo", words).params
        wanted = f"sqlite:///{place}/auto/study.db"
        assert options.get("storage", wanted) == wanted, line
    assert "--within 3min --workers 1" in lines[0] and str(place / "auto") in shlex.split(lines[0])


def test_fresh_forgets_the_demo_and_nothing_else(lines: list[str], tmp_path: Path) -> None:
    (tmp_path / "auto").mkdir()
    (tmp_path / "mine.txt").write_text("kept")
    assert run(["demo", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "auto").exists()
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
