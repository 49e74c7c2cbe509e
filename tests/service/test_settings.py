"""Settings: where they come from, and what is refused before anything is opened."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="the service needs the extra nascale[serve]")

from nascale.cli import run
from results.storage_url import sqlite_path
from service.settings import read_settings
from service.tokens import token_of
from space.errors import InputError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("TOKEN", "STORAGE", "HOST", "PORT", "FOLDER", "DATA"):
        monkeypatch.delenv(f"NASCALE_{name}", raising=False)
    return tmp_path


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "nascale.toml").write_text('[service]\nport = 1\nqueue = 7\njobs = 5\nupload_bytes = "64MB"\n')
    monkeypatch.setenv("NASCALE_PORT", "2")
    monkeypatch.setenv("NASCALE_JOBS", "6")
    settings = read_settings(port=3)
    assert (settings.port, settings.jobs, settings.queue) == (3, 6, 7)
    assert settings.upload_bytes == 64_000_000


def test_a_file_without_the_table_says_nothing(here: Path) -> None:
    (here / "nascale.toml").write_text("[other]\nx = 1\n")
    assert read_settings().port == 8123


def test_places_are_absolute_because_jobs_run_elsewhere(here: Path) -> None:
    settings = read_settings(
        storage="my studies.db", data={"mine": "folder:photos", "hub": "hf:mnist", "bench": "table:b.toml"}
    )
    assert sqlite_path(settings.storage) == here / "my studies.db"
    assert settings.folder == here / "nascale-service"
    assert settings.data == {
        "mine": f"folder:{here / 'photos'}",
        "hub": "hf:mnist",
        "bench": f"table:{here / 'b.toml'}",
    }
    assert read_settings(storage="postgresql://u:p@h/n").storage == "postgresql://u:p@h/n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = 'many'", "port"),
        ("prot = 1", "prot"),
        ("queue = 0", "queue"),
        ("upload_bytes = '5 lightyears'", "upload_bytes"),
        ("data = { '../x' = 'digits' }", "data"),
        ("port = ", "nascale.toml"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(here: Path, text: str, said: str) -> None:
    (here / "nascale.toml").write_text(f"[service]\n{text}\n")
    with pytest.raises(InputError) as caught:
        read_settings()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_token_is_made_once_and_nobody_else_can_read_it(here: Path) -> None:
    first = token_of(read_settings())
    assert first.made
    assert len(first.text) >= 43
    assert first.file is not None
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600
    second = token_of(read_settings())
    assert (second.text, second.made) == (first.text, False)


def test_other_machines_are_let_in_with_a_token_of_the_users_own_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError, match="NASCALE_TOKEN"):
        token_of(read_settings(host="0.0.0.0"))
    monkeypatch.setenv("NASCALE_TOKEN", "short")
    with pytest.raises(InputError, match="16 letters or more"):
        token_of(read_settings(host="0.0.0.0"))
    monkeypatch.setenv("NASCALE_TOKEN", "long enough to be let in"[:16].replace(" ", "-"))
    assert token_of(read_settings(host="0.0.0.0")).text == "long-enough-to-b"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "photos"], "--data: wanted NAME=SOURCE"),
        (["--data", "a=digits", "--data", "a=digits"], "each name once"),
        (["--data", "../a=digits"], "data: wanted a name"),
        (["--data", "photos=folder:nowhere"], "data: photos: wanted a file or folder that is there"),
        (["--data", "bench=table:nowhere.toml"], "data: bench: wanted a file or folder that is there"),
        (["--host", "0.0.0.0"], "host: wanted NASCALE_TOKEN"),
        (["--host", "192.0.2.1"], "host"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    assert run(["serve", *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
    assert list(here.iterdir()) == []


def test_without_the_packages_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("service.command.find_spec", lambda name: None)
    assert run(["serve"]) == 2
    assert "pip install 'nascale[serve]'" in capsys.readouterr().err
