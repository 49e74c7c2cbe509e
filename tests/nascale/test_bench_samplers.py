"""``nascale bench samplers`` on a small table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from evaluators import surrogate
from nascale.cli import run
from nascale.commands.bench_samplers import ABLATION
from search.samplers.registry import samplers

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
    assert rows["grid", 6]["noise"] is None and rows["grid", 6]["regret_floor"] == 0
    # Two first networks, each off by one of these differences to the best, 66.
    off = (0, 1, 5, 6, 10, 11)
    means = [(a + b) / 2 for a in off for b in off]
    assert any(rows["grid", 1]["regret_mean"] == pytest.approx(mean) for mean in means)


def test_a_budget_moves_the_optimum_and_two_objectives_tell_the_volume(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench("--samplers grid --evaluations 4 --repeats 1 --max-macs 200 --objective accuracy,macs") == 0
    told = capsys.readouterr()
    assert "regret in points against the table's best (0.6100)" in told.out
    assert "hypervolume_share" in told.out
    # The front is (0.56, 100), (0.61, 200); the reference lies a tenth of its extent beyond its nadir.
    assert told.err == (
        "hypervolume is a share of that of the true front (2 networks), of accuracy and the logarithm of macs, "
        "from 0.5550, 214.355 macs; regret is that of the accurate end\n"
    )


def test_the_controller_is_taken_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = samplers()
    halves = {name: replace(known["controller"], name=name) for name in ABLATION if name not in known}
    monkeypatch.setattr("search.samplers.registry.samplers", lambda: {**known, **halves})
    assert bench("--ablate --evaluations 3,5 --repeats 1 --format json") == 0
    rows = json.loads(capsys.readouterr().out)
    names = ("controller", "controller-policy", "controller-critic", "gp-ei", "random")
    assert [(row["sampler"], row["evaluations"]) for row in rows] == [(n, e) for n in names for e in (3, 5)]
    assert "table" not in rows[0]


def test_several_tables_are_compared_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.toml").write_text(
        SPEC.replace('"size"', '"kind"', 1).replace('"kind", "kind"', '"size", "kind"')
    )
    assert bench("other.toml --samplers grid --evaluations 6 --repeats 1 --format json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["table"], row["sampler"]) for row in rows] == [
        (table, sampler) for table in ("t", "other") for sampler in ("grid", "random")
    ]
    assert bench("other.toml --samplers grid --evaluations 6 --repeats 1") == 0
    assert capsys.readouterr().out.count("regret in points against the table's best (0.6600)") == 2


def test_it_says_what_the_table_is_worth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--samplers grid --evaluations 6 --repeats 1") == 0
    told = capsys.readouterr()
    assert "noise of one seed unknown (one result a network)" in told.out and told.err == ""
    # Two seeds, another truth, and twins of which the second is better by truth.
    rows = ["a,1,x,50,52,60", "a,2,x,53,55,70", "b,1,y,60,62,65", "b,2,z,40,42,20"]
    (tmp_path / "t.csv").write_text("\n".join(["kind,size,key,s0,s1,test", *rows]))
    spec = SPEC.replace('accuracy = "y"', 'accuracy = ["s0", "s1"]').replace('macs = "macs"\n', "")
    (tmp_path / "t.toml").write_text(spec + 'truth = "test"\nkey = "key"\n')
    assert bench("--samplers grid --evaluations 4 --repeats 1") == 0
    told = capsys.readouterr()
    assert "noise of one seed 1.41 points" in told.out
    assert "regret ends at 5.000 points, not at 0: truth is column test" in told.err
    assert (
        "warning: 1 of 4 rows have the key of an earlier row and other results, up to 10.00 points"
        in told.err
    )


def test_the_fit_of_a_surrogate_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        surrogate, "_model", lambda: HistGradientBoostingRegressor(max_iter=60, random_state=0)
    )
    rows = [f"{kind},{size},{50 + size / 2},{size}" for kind in "ab" for size in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["kind,size,y,macs", *rows]))
    (tmp_path / "t.toml").write_text(SPEC + 'lookup = "surrogate"\n')
    assert bench("--samplers random --evaluations 3 --repeats 1") == 0
    assert capsys.readouterr().err.startswith("surrogate, held-out rows: R² 0.")


def test_losses_are_told_as_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("kind,size,y\na,1,2.5\na,2,1.5\nb,1,3.5\nb,2,0.5\n")
    (tmp_path / "t.toml").write_text(SPEC.replace("percent", "loss").replace('macs = "macs"\n', ""))
    assert bench("--samplers grid --evaluations 1,4 --repeats 3 --plot regret.svg") == 0
    told = capsys.readouterr().out
    assert "regret in loss against the table's best (0.5000)" in told
    assert "Against the table" in (tmp_path / "regret.svg").read_text()
    assert bench("--samplers grid --evaluations 4 --repeats 3 --format json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["regret_mean"] == pytest.approx(0)


def test_latency_bounds_where_the_table_knows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.toml").write_text(SPEC + 'latency_seconds = { column = "macs", scale = 1e-5 }\n')
    assert bench("--samplers grid --evaluations 4 --repeats 1 --max-latency 2ms") == 0
    assert "regret in points against the table's best (0.6100)" in capsys.readouterr().out


def test_it_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--samplers grid --evaluations 4 --repeats 2 --plot regret.svg") == 0
    assert "t: simple regret" in (tmp_path / "regret.svg").read_text()
    assert "wrote regret.svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--ablate --samplers tpe", "--ablate: wanted no --samplers beside it, got 'tpe'"),
        ("t.toml --plot both.svg", "--plot: wanted one table, got '2 tables'"),
        ("--samplers tpee", "--samplers: no such name 'tpee' (nearest: tpe"),
        ("--evaluations 0", "--evaluations: wanted whole numbers of 1 or more"),
        ("--evaluations x", "--evaluations: wanted whole numbers of 1 or more"),
        ("--plot regret.gif", "--plot: wanted a file that ends in .png, .svg, .pdf"),
        ("--plot missing/regret.png", "--plot: wanted a path that can be written"),
        ("--max-macs 1", "max_macs: wanted 1, but the smallest macs"),
        ("--objective speed", "objective: no such name 'speed'"),
        ("--objective accuracy,params", "objective: the params of these networks is not known"),
        ("--max-latency 2ms", "max_latency: the latency_seconds of these networks is not known"),
    ],
)
def test_bad_input_is_one_line(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(line) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and told.out == ""
