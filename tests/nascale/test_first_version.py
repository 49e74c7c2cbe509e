"""Studies that version 0.1 stored: they open, report and go on as they would have."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from nascale.cli import run
from nascale.launch import as_begun, attributes_begun
from nascale.spec import SearchSpec
from tests.factories import copied

DUMP = Path(__file__).resolve().parents[1] / "fixtures" / "first_version.sql"
SEARCH = (
    "search --space mixed --sampler controller --data digits --epochs 2 --fraction 0.3 --workers 0 --window 1 "
    "--seed 1 --study first --max-macs 1M --quiet"
)
SCALE = (
    "scale search mobilenet_v1@width=0.125,depth=0.4,classes=10,in_channels=1 --method grid --resolution 17 "
    "--data digits --epochs 1 --fraction 0.2 --step 0.5 --tolerance 0.3 --seeds 0 --workers 0 --study scaling --quiet"
)
KEYS = [
    "f97a173d68d425c8fe6e",
    "64bd43f785a63c9ed09e",
    "e015483424add98781cd",
    "a081c085f7af63b0f09f",
    "26fd84195d3374724464",
    "6fc55932f78ffd2398ba",
    # Stored while it waited. What follows is of the controller of today: that of version 0.1 drew six networks before its
    # critic was asked.
    "b9ef28b71516d9991241",
    "f52e14459bdd2a957225",
]


@pytest.fixture
def storage(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database as version 0.1 left it: six finished trials of ``first``, one of them failed, one waiting."""
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
    connection.close()
    monkeypatch.chdir(tmp_path)
    if database.startswith("sqlite"):
        return "sqlite:///old.db"
    return copied(tmp_path / "old.db", database)


def rows(storage: str, study: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["trials", study, "--storage", storage, "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_it_opens_and_reports(storage: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = rows(storage, "first", capsys)
    assert [row["key"] for row in found] == KEYS[:7]
    assert [row["status"] for row in found] == ["ok"] * 4 + ["timeout", "ok", "waiting"]
    assert found[4]["error"] == "not finished after 0.05 s (--trial-timeout)"
    assert found[2]["accuracy"] == pytest.approx(0.28223, abs=1e-5)
    assert found[0]["started"].startswith("2026-11-25T14:20")
    for command in ("front first", "show first", "show first 2", "studies", "compare first scaling"):
        assert run([*command.split(), "--storage", storage]) == 0, command
    assert run(["report", "first", "--storage", storage, "-o", "first.html"]) == 0
    assert run(["plot", "first", "--storage", storage, "-o", "first.svg"]) == 0
    assert (tmp_path / "first.html").stat().st_size > 10_000


def test_it_goes_on_from_what_was_stored(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(storage, "first", capsys)
    assert run([*SEARCH.split(), "--trials", "8", "--storage", storage]) == 0
    after = rows(storage, "first", capsys)
    assert [row["key"] for row in after] == KEYS
    assert after[:6] == [row | {"rank": after[i]["rank"]} for i, row in enumerate(before[:6])]
    assert [row["status"] for row in after[6:]] == ["ok", "ok"]


def test_it_keeps_its_space_where_none_is_asked_for(storage: str) -> None:
    asked = SearchSpec.of(study="first", storage=storage, max_macs="1M")
    assert (asked.space, as_begun(asked, attributes_begun(asked)).space) == ("around-budget", "mixed")
    other = SearchSpec.of(study="first", storage=storage, max_macs="1M", space="mbconv")
    assert as_begun(other, attributes_begun(other)).space == "mbconv"


def test_another_spec_is_still_refused(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SEARCH.split(), "--trials", "8", "--epochs", "3", "--storage", storage]) == 2
    assert "epochs 2 → 3" in capsys.readouterr().err


def test_a_search_for_coefficients_goes_on(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(storage, "scaling", capsys)
    assert len(before) == 3
    assert run([*SCALE.split(), "--max-epochs", "4", "--storage", storage]) == 0
    after = rows(storage, "scaling", capsys)
    assert len(after) == 4
    assert [row["key"] for row in after[:3]] == [row["key"] for row in before]
    assert after[3]["status"] == "ok"
