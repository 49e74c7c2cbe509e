"""Repeats from the command line: what is said and stored, and studies that were begun before there were any."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from nascale.cli import run
from nascale.repeat import repeat_command
from nascale.spec import SearchSpec
from results.frame import front, trials
from results.studies import load, summaries
from space.errors import InputError
from tests.databases import execute


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 216 networks with three noisy accuracies each."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(4)
    rows = ["a,b,c,s0,s1,s2,truth,macs"]
    for a, b, c in itertools.product(range(6), repeat=3):
        truth = 0.5 + 0.02 * a + 0.02 * b + 0.01 * c
        seeds = ",".join(f"{truth + rng.gauss(0, 0.02):.5f}" for _ in range(3))
        rows.append(f"{a},{b},{c},{seeds},{truth:.5f},{100 + 10 * a + c}")
    Path("made.csv").write_text("\n".join(rows) + "\n")
    Path("made.toml").write_text(
        'sampler = "evolution"\n[table]\npath = "made.csv"\ndecisions = ["a", "b", "c"]\n'
        'accuracy = ["s0", "s1", "s2"]\ntruth = "truth"\nmacs = "macs"\n'
    )
    return Path("made.toml")


def search(table: Path, *options: str, storage: str = "sqlite:///s.db") -> int:
    return run(["search", str(table), "--study", "s", "--storage", storage, *options])


def stored_spec(url: str, change: Any) -> None:
    """Changes the spec that the study keeps."""
    kept = "study_user_attributes"
    ((text,),) = execute(url, f"SELECT value_json FROM {kept} WHERE key = 'nascale:spec'")
    spec = json.loads(text)
    change(spec)
    execute(url, f"UPDATE {kept} SET value_json = :spec WHERE key = 'nascale:spec'", spec=json.dumps(spec))


def test_a_search_says_how_sure_it_is_and_the_frame_has_the_means(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(table, "--trials", "60", "--repeats", "12", "--quiet") == 0
    said = capsys.readouterr().out
    assert "12 repeats" in said and "with probability" in said
    frame = trials("s", "sqlite:///s.db")
    again = frame[frame["repeat_of"].notna()]
    assert again["number"].tolist() == list(range(48, 60))
    for _, row in again.iterrows():
        network = frame[(frame["number"] == row["repeat_of"]) | (frame["repeat_of"] == row["repeat_of"])]
        assert set(network["key"]) == {row["key"]}
        assert row["repeats"] == len(network) - 1
        assert row["accuracy_mean"] == pytest.approx(network["accuracy"].mean())
        assert network["accuracy"].nunique() == len(network)
    assert again["rank"].isna().all()
    members = front("s", "sqlite:///s.db")
    assert members["accuracy_mean"].is_monotonic_decreasing
    assert members["repeat_of"].isna().all()
    assert run(["show", "s", "--storage", "sqlite:///s.db"]) == 0
    shown = capsys.readouterr().out
    best = next(line for line in shown.splitlines() if line.startswith("best"))
    assert f"trial {int(said.partition('best: trial ')[2].partition(',')[0])}," in best and "±" in best
    (study,) = summaries("sqlite:///s.db")
    assert study["accuracy"] == pytest.approx(float(said.partition("accuracy ")[2][:6]), abs=1e-4)
    assert run(["front", "s", "--storage", "sqlite:///s.db"]) == 0
    assert "accuracy_sem" in capsys.readouterr().out
    for target in ("front.svg", "page.html"):
        command = ["plot", "s"] if target.endswith("svg") else ["report", "s"]
        assert run([*command, "--storage", "sqlite:///s.db", "-o", target]) == 0
    assert "standard error" in Path("front.svg").read_text() or Path("front.svg").stat().st_size > 10_000


def test_a_stopped_search_goes_on_with_the_same_repeats(table: Path, database: str) -> None:
    asked = ("--trials", "50", "--repeats", "12", "--quiet")
    assert search(table, *asked, storage=database) == 0
    whole = [(t.decisions, t.repeat_of, t.accuracy) for t in load("s", database).trials]
    assert any(first is not None for _, first, _ in whole)
    # The last six trials, as if they had never been, and the one before as if it were under measurement.
    gone = "trial_id IN (SELECT trial_id FROM trials WHERE number >= 44)"
    running = "trial_id IN (SELECT trial_id FROM trials WHERE number = 43)"
    execute(
        database,
        *(
            f"DELETE FROM trial_{kept} WHERE {gone}"
            for kept in ("values", "params", "intermediate_values", "user_attributes")
        ),
        "DELETE FROM trials WHERE number >= 44",
        f"DELETE FROM trial_values WHERE {running}",
        f"DELETE FROM trial_intermediate_values WHERE {running}",
        f"DELETE FROM trial_user_attributes WHERE key = 'nascale:result' AND {running}",
        "UPDATE trials SET state = 'RUNNING' WHERE number = 43",
    )
    assert search(table, *asked, storage=database) == 0
    assert [(t.decisions, t.repeat_of, t.accuracy) for t in load("s", database).trials] == whole


def test_a_study_of_before_goes_on_without_repeats(
    table: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(table, "--trials", "20", "--repeats", "0", "--quiet", storage=database) == 0
    stored_spec(database, lambda spec: spec.pop("repeats"))
    old = load("s", database)
    assert "--repeats 0" in repeat_command("s", old.spec)
    assert SearchSpec.stored(old.spec).settings().repeats == 0
    assert search(table, "--trials", "50", "--repeats", "5", storage=database) == 2
    assert "repeats 0 → 5" in capsys.readouterr().err
    assert search(table, "--trials", "50", "--quiet", storage=database) == 0
    study = load("s", database)
    assert len(study.trials) == 50 and all(trial.repeat_of is None for trial in study.trials)
    assert study.spec["repeats"] == 0


def test_the_setting_is_auto_or_a_number() -> None:
    assert SearchSpec.of().settings().repeats is None
    assert SearchSpec.of(repeats="3").settings().repeats == SearchSpec.of(repeats=3).settings().repeats == 3
    for wrong in ("some", -1, 2.5, True):
        with pytest.raises(InputError, match="repeats"):
            SearchSpec.of(repeats=wrong)
    with pytest.raises(InputError, match="fewer than trials"):
        SearchSpec.of(repeats=40, trials=40)
