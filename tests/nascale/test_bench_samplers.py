"""``nascale bench samplers`` on a small table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nascale.cli import run

SPEC = (
    '[table]\npath = "t.csv"\ndecisions = ["kind", "size"]\naccuracy = "y"\nunit = "percent"\nmacs = "macs"\n'
)


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f"{kind},{size},{50 + 5 * size + (kind == 'b')},{100 * size}" for kind in "ab" for size in (1, 2, 3)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["kind,size,y,macs", *rows]))
    (tmp_path / "t.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)


def bench(line: str) -> int:
    return run(["bench", "samplers", "t.toml", "--jobs", "1", *line.split()])


def test_every_network_was_seen_after_as_many_evaluations(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--samplers grid --evaluations 1,6 --repeats 2 --format json") == 0
    rows = {(row["sampler"], row["evaluations"]): row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {("grid", 1), ("grid", 6), ("random", 1), ("random", 6)}
    assert rows["grid", 6]["regret_mean"] == pytest.approx(0)
    # Two first networks, each off by one of these differences to the best, 66.
    off = (0, 1, 5, 6, 10, 11)
    means = [(a + b) / 2 for a in off for b in off]
    assert any(rows["grid", 1]["regret_mean"] == pytest.approx(mean) for mean in means)


def test_a_budget_moves_the_optimum_and_two_objectives_tell_the_volume(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench("--samplers grid --evaluations 4 --repeats 1 --max-macs 200 --objective accuracy,macs") == 0
    told = capsys.readouterr().out
    assert "regret in points against the table's best (0.6100)" in told
    assert "hypervolume_share" in told


def test_it_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--samplers grid --evaluations 4 --repeats 2 --plot regret.svg") == 0
    assert "t: simple regret" in (tmp_path / "regret.svg").read_text()
    assert "wrote regret.svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--samplers tpee", "--samplers: no such name 'tpee' (nearest: tpe"),
        ("--evaluations 0", "--evaluations: wanted whole numbers of 1 or more"),
        ("--evaluations x", "--evaluations: wanted whole numbers of 1 or more"),
        ("--plot regret.gif", "--plot: wanted a file that ends in .png, .svg, .pdf"),
        ("--plot missing/regret.png", "--plot: wanted a path that can be written"),
        ("--max-macs 1", "max_macs: wanted 1, but the smallest macs"),
        ("--objective speed", "objective: no such name 'speed'"),
    ],
)
def test_bad_input_is_one_line(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(line) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and told.out == ""
