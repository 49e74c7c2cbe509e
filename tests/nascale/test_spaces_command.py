"""``nascale spaces``: what there is, what a space costs, its decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nascale.cli import run
from space.spaces import SPACES, space


def printed(capsys: pytest.CaptureFixture[str], line: str) -> Any:
    assert run(["spaces", *line.split(), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_list_has_every_space_with_its_size(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "")
    assert [row["space"] for row in rows] == list(SPACES)
    mixed = next(row for row in rows if row["space"] == "mixed")
    assert (mixed["size"], mixed["decisions"]) == (space("mixed").size, len(space("mixed").decisions))


def test_a_space_with_budgets(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "mixed --resolution 16 --samples 50 --seed 3 --max-macs 2M --max-memory 1MB")
    assert [row["cost"] for row in rows] == ["params", "macs", "activation_bytes"]
    for row in rows:
        assert row["min"] <= row["median"] <= row["max"]
        assert (row["networks"], row["seed"], row["space"]) == (50, 3, "mixed")
        assert 0 <= row["share_all budgets"] <= row["share_macs"] <= 1
    assert run(["spaces", "mixed", "--resolution", "16", "--samples", "50", "--max-memory", "1MB"]) == 0
    told = capsys.readouterr().out
    assert "max_memory 1.000 MB: " in told and "min – median – max: " in told


def test_decisions_say_when_they_are_active(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["decision"]: row for row in printed(capsys, "mixed --decisions")}
    assert set(rows) == {d.name for d in space("mixed").decisions}
    conditional = next(d for d in space("mixed").decisions if d.parent is not None)
    assert rows[conditional.name]["active"].startswith(f"{conditional.parent} = ")
    assert "always" in {row["active"] for row in rows.values()}


def test_a_space_that_was_written_down(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\nblock_types = ["mbconv"]\nstages = [{ channels = 16, depths = [0, 1], widths = [1.0] }]\n'
    )
    rows = printed(capsys, "mine.toml")
    # Without its only stage, or one mbconv block: 2 kernels, 3 expansions, 2 squeeze-excites, skip or not.
    assert (rows[0]["space"], rows[0]["size"]) == ("mine", 1 + 2 * 3 * 2 * 2)


def test_the_space_of_a_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{kind},{size},{50 + size},{100 * size},{size}" for kind in "ab" for size in (1, 2, 3)]
    (tmp_path / "t.csv").write_text("\n".join(["kind,size,y,macs,ms", *rows]))
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["kind", "size"]\naccuracy = "y"\nunit = "percent"\nmacs = "macs"\n'
        'latency_seconds = { column = "ms", scale = 1e-3 }\nwhen.size = { kind = ["b"] }\nrows = "trainings"\n'
    )
    (row, latency) = printed(capsys, "t.toml --max-latency 1ms")
    assert (row["space"], row["size"], row["networks"], row["cost"]) == ("t", 4, 4, "macs")
    assert (row["min"], row["max"]) == (100, 300) and row["share_latency"] == 0.25
    assert (latency["cost"], latency["max"]) == ("latency_seconds", 0.003)
    assert [row["active"] for row in printed(capsys, "t.toml --decisions")] == ["always", "kind = b"]
    (tmp_path / "t.csv").write_text("\n".join(["kind,size,y,macs,ms", *rows[:-1]]))
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["kind", "size"]\naccuracy = "y"\nunit = "percent"\nmacs = "macs"\n'
    )
    assert run(["spaces", "t.toml"]) == 0
    assert "6 assignments (enumerated), 16.7% are not in the table" in capsys.readouterr().out
    assert run(["spaces", "t.toml", "--classes", "5"]) == 2
    assert "classes: wanted none for the table of t.toml, got 5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mixed --max-latency 5ms", "max_latency: wanted the spec of a table that knows it, got 'mixed'"),
        ("mixd", "space: no such name 'mixd' (nearest: mixed"),
        ("absent.toml", "space: wanted a TOML file that can be read"),
        ("mixed --max-macs 1", "max_macs: wanted 1, but the smallest macs in space mixed is"),
        ("mixed --max-memory 1KB", "max_memory: wanted 1000 bytes, but the smallest activation_bytes"),
        ("mixed --max-macs fast", "--max-macs: wanted a positive number"),
        ("mixed --samples 1", "'--samples'"),
    ],
)
def test_bad_input_is_one_line(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spaces", *line.split()]) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and told.out == ""
