"""Launching a search: checked before anything is written, kept without passwords, gone on with by the same spec."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nascale.cli import run as command
from nascale.launch import Outcome, prepare, run, stored_spec
from nascale.spec import SearchSpec, read_spec
from results.studies import load
from space.errors import BudgetError, InputError, UnknownNameError

SPEC = (
    '[table]\npath = "t.csv"\ndecisions = ["kind", "size"]\naccuracy = "y"\nunit = "percent"\nmacs = "macs"\n'
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [
        f"{kind},{size},{50 + 5 * size + (kind == 'b')},{100 * size}" for kind in "ab" for size in (1, 2, 3)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["kind,size,y,macs", *rows]))
    (tmp_path / "t.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASCALE_STORAGE", raising=False)
    return tmp_path


def spec(**keys: Any) -> SearchSpec:
    return read_spec("t.toml", {"sampler": "grid", "trials": 4, **keys})


def launched(chosen: SearchSpec) -> tuple[Outcome, list[str]]:
    said: list[str] = []
    return run(prepare(chosen), say=said.append), said


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"max_macs": 50}, BudgetError, "max_macs: wanted 50, but the smallest macs"),
        ({"max_params": 50}, InputError, "max_params: the params of these networks is not known"),
        (
            {"objective": "accuracy,params"},
            InputError,
            "objective: the params of these networks is not known",
        ),
        ({"sampler": "cmaes"}, InputError, "sampler cmaes"),
        ({"sampler": "tpee"}, UnknownNameError, "sampler: no such name 'tpee' .nearest: tpe"),
        ({"space": "mixed"}, InputError, "space: wanted t, the table's, got 'mixed'"),
        ({"evaluator": "train", "table": None, "space": "mixd"}, UnknownNameError, "nearest: mixed"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(
    keys: dict[str, Any], error: type[InputError], message: str, folder: Path
) -> None:
    with pytest.raises(error, match=message):
        prepare(spec(**keys))
    assert sorted(path.name for path in folder.iterdir()) == ["t.csv", "t.toml"]


def test_a_search_goes_on_with_what_is_stored() -> None:
    first, said = launched(spec())
    assert (first.study, first.storage, said) == ("t-grid", "sqlite:///nascale.db", [])
    assert (first.progress.finished, first.progress.total) == (4, 4)
    again, said = launched(spec())
    assert said == ["going on with study t-grid: 4 trials done"]
    assert (again.progress.finished, again.progress.best_accuracy) == (4, first.progress.best_accuracy)
    longer, _ = launched(spec(trials=6, workers=5))
    assert longer.progress.finished == 6
    assert longer.progress.best_accuracy == pytest.approx(0.66)
    with pytest.raises(InputError, match="seed 0 → 1"):
        launched(spec(trials=6, seed=1))
    with pytest.raises(InputError, match="trials: wanted 6 or more"):
        launched(spec(trials=5))


def test_a_study_keeps_its_spec_space_and_origin() -> None:
    launched(spec())
    kept = load("t-grid")
    assert kept.spec == spec().as_dict()
    assert kept.space["name"] == "t"
    assert kept.space["decisions"] == [["kind", ["a", "b"]], ["size", [1, 2, 3]]]
    assert {"nascale", "packages", "command", "device", "created", "data_checksum"} <= kept.provenance.keys()


def test_memory_leaves_no_file(folder: Path) -> None:
    outcome, _ = launched(spec(storage="memory"))
    assert len(outcome.store.results()) == 4
    assert not list(folder.glob("*.db"))


def test_a_password_is_not_kept() -> None:
    kept = stored_spec(spec(storage="postgresql://me:secret@host/db"))
    assert kept["storage"] == "postgresql://me:***@host/db"


def test_searches_and_readers_find_the_storage_of_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NASCALE_STORAGE", f"sqlite:///{folder}/elsewhere.db")
    assert command(["search", "t.toml", "--sampler", "grid", "--trials", "6", "--quiet"]) == 0
    assert [path.name for path in folder.glob("*.db")] == ["elsewhere.db"]
    capsys.readouterr()
    assert command(["front", "t-grid", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["accuracy"] == pytest.approx(0.66)


IMPOSSIBLE: dict[str, tuple[list[str], str]] = {
    "a device": (["--device", "cuda"], "device: wanted auto or cpu (this machine has no CUDA), got 'cuda'"),
    "a learning rate": (["--learning-rate", "inf"], "learning_rate: wanted a finite number, got inf"),
    "a number of epochs": (["--epochs", "10000000000"], "epochs: wanted a whole number up to 1000000000"),
    "a GPU": (["--gpus-per-trial", "1"], "gpus_per_trial: wanted at most the 0 GPUs of this machine in all"),
    "a share of Ray": (
        ["--cpus-per-trial", "1.5"],
        "cpus_per_trial: wanted a positive number up to 10000, a whole one",
    ),
    "a cluster": (
        ["--ray-address", "127.0.0.1:1"],
        "ray_address: wanted a running Ray cluster, got '127.0.0.1:1",
    ),
    "an address": (
        ["--ray-address", "nowhere"],
        "ray_address: wanted auto, HOST:PORT or ray://HOST:PORT, got 'nowhere'",
    ),
    "a port": (["--ray-address", "a:99999"], "ray_address: wanted auto, HOST:PORT"),
    "a name": (
        ["--study", "\x1b[31mred"],
        "study: wanted a name of 1 to 200 printable letters, got '\\x1b[31mred'",
    ),
    "no name": (["--study", ""], "study: wanted a name of 1 to 200 printable letters, got ''"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_settings_that_can_never_be_are_refused_before_anything_starts(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, message = IMPOSSIBLE[case]
    before = set(folder.iterdir())
    status = command(
        ["search", "--space", "mbconv", "--data", "digits", "--trials", "2", "--quiet", *options]
    )
    told = capsys.readouterr()
    assert status == 2 and told.out == ""
    assert told.err.startswith(f"error: {message}") and told.err.count("\n") == 1
    assert set(folder.iterdir()) == before
