"""``nascale verify`` as a person runs it: on a table, on a study of version 0.1, killed and run again."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nascale.cli import run
from nascale.verification import VerificationRequest, prepare
from results.studies import load
from results.verified import fresh_measurements
from tests.processes import environment

DUMP = Path(__file__).resolve().parents[1] / "fixtures" / "first_version.sql"
TABLE = '[table]\npath = "t.csv"\ndecisions = ["kind", "size"]\nmacs = "macs"\n'


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of twelve networks, two seeds each, and a search that has seen all of them: study ``t-grid``."""
    place = tmp_path_factory.mktemp("searched")
    rng = np.random.default_rng(0)
    rows = [
        f"{kind},{size},{0.5 + size / 20 + rng.normal() / 50:.4f},{0.5 + size / 20 + rng.normal() / 50:.4f},{100 * size}"
        for kind in "abc"
        for size in (1, 2, 3, 4)
    ]
    (place / "t.csv").write_text("\n".join(["kind,size,s0,s1,macs", *rows]))
    (place / "t.toml").write_text(f'{TABLE}accuracy = ["s0", "s1"]\n')
    (place / "one.toml").write_text(f'{TABLE}accuracy = ["s0"]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        storage = f"sqlite:///{place}/nascale.db"
        line = ["search", "t.toml", "--sampler", "grid", "--trials", "12", "--quiet", "--storage", storage]
        assert run(line) == 0
    return place


@pytest.fixture
def folder(searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed, as the working directory."""
    shutil.copytree(searched, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASCALE_STORAGE", raising=False)
    return tmp_path


def rows_of(line: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run([*shlex.split(line), "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_a_table_is_asked_with_fresh_seeds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows_of("verify t-grid --seeds 4 --quiet", capsys)
    searched = {row["number"]: row["accuracy"] for row in rows_of("trials t-grid", capsys)}
    assert len(found) == 5
    best = sorted(searched.values(), reverse=True)
    for row in found:
        assert row["search_accuracy"] == searched[row["number"]] == best[row["search_rank"] - 1]
        assert row["low"] < row["verified_accuracy"] < row["high"]
        assert row["luck"] == pytest.approx(row["search_accuracy"] - row["mean_accuracy"])
        assert (row["seeds"], row["epochs"], row["error"]) == (4, None, None)
    verified = [row["verified_accuracy"] for row in found]
    assert verified == sorted(verified, reverse=True)
    assert sum(row["probability_best"] for row in found) == pytest.approx(1)


def test_its_estimates_are_columns_and_axes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows_of("verify t-grid --top 3 --quiet", capsys)
    trials = rows_of("trials t-grid", capsys)
    told = {row["number"]: row["verified_accuracy"] for row in trials if row["verified_accuracy"] is not None}
    assert told == {row["number"]: row["verified_accuracy"] for row in found}
    assert rows_of("front t-grid --y verified_accuracy", capsys)[0]["number"] == found[0]["number"]
    assert run(["plot", "t-grid", "--y", "verified_accuracy", "-o", "front.svg"]) == 0
    assert run(["report", "t-grid", "-o", "report.html"]) == 0
    assert "Verified accuracy" in (folder / "report.html").read_text()


def test_more_seeds_keep_what_was_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows_of("verify t-grid --top 3 --seeds 2", capsys)
    before = fresh_measurements(load("t-grid").attributes)
    assert len(before) == 6
    capsys.readouterr()
    assert run(shlex.split("verify t-grid --top 4 --seeds 3 --format json")) == 0
    assert "going on: 6 of 12 measurements are there" in capsys.readouterr().err
    after = fresh_measurements(load("t-grid").attributes)
    assert len(after) == 12 and before.items() <= after.items()


def test_it_says_who_is_best_and_what_was_luck(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows_of("verify t-grid", capsys)
    assert run(["verify", "t-grid", "--quiet"]) == 0
    out = capsys.readouterr().out
    first, winner = found[0], next(row for row in found if row["search_rank"] == 1)
    assert (
        f"trial {first['number']} is the best of these 5 with probability {first['probability_best']:.2f}"
        in out
    )
    assert "Kendall's τ" in out
    assert f"so its luck was {100 * winner['luck']:+.2f} points" in out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("t-grad", "study: no such name 't-grad' (nearest: t-grid)"),
        ("t-grid --top 1", "--top: wanted 2 or more, got 1"),
        ("t-grid --seeds 1", "--seeds: wanted 2 or more, got 1"),
        ("t-grid --level 1", "--level: wanted a probability between 0 and 1, got 1.0"),
        ("t-grid --epochs 9", "--epochs: wanted a study that trains its networks, got '9 for a table'"),
        ("t-grid --table none.toml", "table: wanted a TOML file that can be read, got 'none.toml"),
        ("t-grid --table one.toml", "table: wanted two accuracies of a network or more"),
        ("t-grid --workers -1", "workers: wanted a whole number from 0 to 10000, got -1"),
        ("t-grid -o missing/a.csv", "--output: wanted a path that can be written"),
    ],
)
def test_bad_input_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    capsys.readouterr()
    assert run(["verify", *shlex.split(line), "--quiet"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith(f"error: {message}"), told.err
    assert told.err.count("\n") == 1


def test_another_table_is_not_the_studys(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = folder / "t.csv"
    table.write_text(table.read_text().replace("0.7", "0.6"))
    capsys.readouterr()
    assert run(["verify", "t-grid", "--quiet"]) == 2
    assert "study 't-grid' was made with other data" in capsys.readouterr().err


def test_a_study_without_complete_trials_has_nothing_to_verify(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect("nascale.db") as connection:
        connection.execute("UPDATE trials SET state = 'WAITING'")
    connection.close()
    capsys.readouterr()
    assert run(["verify", "t-grid", "--quiet"]) == 2
    assert "error: study: wanted a study with two networks or more" in capsys.readouterr().err


SEARCH = (
    "search --space mixed --data digits --sampler random --trials 3 --epochs 1 --fraction 0.04 --batch-size 16 "
    "--max-macs 200K --workers 0 --study s --storage sqlite:///whole.db --quiet"
)
VERIFY = "verify s --top 2 --seeds 2 --epochs 2 --workers 0 --storage sqlite:///{}"


def stored(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT COUNT(*) FROM study_user_attributes WHERE key LIKE 'nascale:verification/%'"
        )
        return int(rows.fetchone()[0])


@pytest.mark.slow
def test_a_killed_verification_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(shlex.split(SEARCH)) == 0
    shutil.copy(tmp_path / "whole.db", tmp_path / "killed.db")
    process = subprocess.Popen(
        [sys.executable, "-m", "nascale", *shlex.split(VERIFY.format("killed.db"))],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while stored(tmp_path / "killed.db") < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 1 <= stored(tmp_path / "killed.db") < 4
    again = rows_of(VERIFY.format("killed.db"), capsys)
    whole = rows_of(f"{VERIFY.format('whole.db')} --quiet", capsys)
    for row in (*again, *whole):
        del row["seconds"]
    assert again == whole
    assert [(row["seeds"], row["epochs"]) for row in whole] == [(2, 2)] * 2
    assert all(m.again is not None for m in fresh_measurements(load("s", "whole.db").attributes).values())
    # The same trainings once more at the search's own epoch alone, from which luck is told.
    alone = rows_of(f"{VERIFY.format('whole.db')} --epochs 1", capsys)
    short = {row["number"]: row["luck"] for row in whole}
    assert {row["number"]: row["luck"] for row in alone} == pytest.approx(short)


def test_a_study_of_version_0_1_can_be_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
    connection.close()
    monkeypatch.chdir(tmp_path)
    prepared = prepare("first", "sqlite:///old.db", VerificationRequest(top=3, seeds=2, pool={"workers": 1}))
    assert [one.accuracy for one in prepared.networks] == sorted(
        (one.accuracy for one in prepared.networks), reverse=True
    )
    assert all(one.architecture is not None for one in prepared.networks)
    assert (prepared.own_epochs, prepared.epochs, prepared.seeds) == (2, 6, (2, 3))
    assert (prepared.pool.workers, prepared.images, len(prepared.wanted())) == (1, 287, 6)
    for line, message in (
        ("first --epochs 1", "--epochs: wanted 2 or more, as in the search, got 1"),
        ("first --data npz:gone.npz", "data npz:gone.npz: wanted a file, got 'nothing there'"),
        ("scaling", "study: wanted a search for networks"),
    ):
        assert run(["verify", *line.split(), "--storage", "sqlite:///old.db"]) == 2
        assert capsys.readouterr().err.startswith(f"error: {message}")


def test_after_a_supernet_networks_are_trained_by_themselves_and_luck_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
        connection.execute(
            "UPDATE study_user_attributes SET value_json = json_set(value_json, '$.evaluator', 'supernet', '$.epochs', 30)"
            " WHERE key = 'spec'"
        )
    connection.close()
    monkeypatch.chdir(tmp_path)
    prepared = prepare("first", "sqlite:///old.db", VerificationRequest())
    assert (prepared.epochs, prepared.twice, prepared.same) == (15, False, False)
