"""A database that is lost in mid-run: the search stops in one line, and goes on from the file that it leaves."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluators.table import TableEvaluator
from nascale.cli import run

TRIALS = 10
OPTIONS = (
    "t.toml",
    "--sampler",
    "random",
    "--seed",
    "2",
    "--trials",
    str(TRIALS),
    "--study",
    "a/b",
    "--quiet",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [f"{kind},{size},{50 + size + (kind == 'b')},{100 * size}" for kind in "ab" for size in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["kind,size,y,macs", *rows]))
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["kind", "size"]\naccuracy = "y"\nunit = "percent"\nmacs = "macs"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASCALE_STORAGE", raising=False)
    return tmp_path


def rows(capsys: pytest.CaptureFixture[str], storage: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["trials", "a/b", "--storage", storage, "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return [{k: v for k, v in row.items() if k not in ("started", "finished", "seconds")} for row in found]


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"something else altogether" * 400)


@pytest.mark.parametrize(
    ("damage", "told", "database"),
    [
        (Path.unlink, "was removed or replaced", "sqlite"),
        (overwrite, "was overwritten or damaged", "postgresql"),
        (lambda path: path.write_bytes(b""), "was overwritten or damaged", "sqlite"),
    ],
    ids=["removed", "overwritten", "emptied"],
    indirect=["database"],
)
def test_it_stops_in_one_line_and_goes_on_in_either_database_from_the_rescued_file(
    damage: Callable[[Path], object],
    told: str,
    database: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["search", *OPTIONS, "--storage", "undisturbed.db"]) == 0
    evaluate = TableEvaluator.evaluate

    def damaging(self: TableEvaluator, candidate: Any, stop: Any) -> Any:
        if candidate.number == 5:
            damage(folder / "lost.db")
        return evaluate(self, candidate, stop)

    with monkeypatch.context() as patch:
        patch.setattr(TableEvaluator, "evaluate", damaging)
        capsys.readouterr()
        assert run(["search", *OPTIONS, "--storage", "lost.db"]) == 1
    error = capsys.readouterr().err
    (rescued,) = folder.glob("*-rescued.jsonl")
    assert told in error and error.count("\n") == 1
    assert f"`nascale search --recover {rescued.name}` goes on" in error
    assert stat.S_IMODE(rescued.stat().st_mode) == 0o600
    recover = ["search", "--recover", rescued.name, "--storage", database, "--quiet"]
    assert run(recover) == 0
    assert capsys.readouterr().out.startswith("recovered 6 results of study a/b\n")
    assert rows(capsys, database) == rows(capsys, "undisturbed.db")
    # Into a study that holds them already, too.
    assert run([*recover, "--trials", "12"]) == 0
    assert len(rows(capsys, database)) == 12


def test_a_damaged_database_is_refused_at_the_start(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", *OPTIONS, "--storage", "s.db"]) == 0
    content = bytearray((folder / "s.db").read_bytes())
    content[4096 : 4 * 4096] = b"\xff" * (3 * 4096)
    (folder / "s.db").write_bytes(content)
    capsys.readouterr()
    assert run(["search", *OPTIONS, "--storage", "s.db", "--trials", "12"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: storage: wanted an Optuna database (the file is damaged")
    assert error.count("\n") == 1
    assert bytes(content) == (folder / "s.db").read_bytes()


@pytest.mark.parametrize(
    "text", ["", "{}", "nonsense", '{"nascale_rescue": 1, "study": "a", "attributes": {}}', "[1]"]
)
def test_another_file_is_refused(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "x.jsonl").write_text(text)
    assert run(["search", "--recover", "x.jsonl"]) == 2
    assert "recover: wanted a file STUDY-rescued.jsonl" in capsys.readouterr().err
    assert not list(folder.glob("*.db"))


def test_a_new_database_is_for_its_owners_eyes(folder: Path) -> None:
    assert run(["search", *OPTIONS, "--storage", "s.db"]) == 0
    assert stat.S_IMODE((folder / "s.db").stat().st_mode) == 0o600
