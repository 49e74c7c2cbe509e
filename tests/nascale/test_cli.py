"""Exit statuses and one-line errors, at the front door itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascale.cli import COMMANDS, cli, run


def test_every_listed_command_exists_and_has_help() -> None:
    import click

    ctx = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(ctx, name)
        assert command is not None
        assert command.help, name
        assert command.name == name


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_opens(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert "Usage: nascale" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serch"], "error: command: no such command 'serch' (nearest: search"),
        (["--nope"], "No such option"),
        (["profile", "efficientnet_b00"], "nearest: efficientnet_b0"),
        (["profile", "efficientnet_b0", "--dtype", "float12"], "float12"),
        (["front", "nobody", "--storage", "sqlite:///absent.db"], "absent.db"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: object,
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err


def test_an_unexpected_error_is_one_line_and_exit_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import click

    def explode() -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setitem(cli.commands, "explode", click.Command("explode", callback=explode))
    assert run(["explode"]) == 1
    assert capsys.readouterr().err == "error: ZeroDivisionError: inside (--debug shows where)\n"
    with pytest.raises(ZeroDivisionError):
        run(["explode", "--debug"])


def test_a_resolution_too_small_for_a_space_is_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["search", "--space", "mnasnet", "--resolution", "8", "--trials", "1", "--workers", "0"]) == 2
    message = capsys.readouterr().err
    assert "none of" in message
    assert "the smallest that works is 17" in message
    assert list(tmp_path.iterdir()) == []
