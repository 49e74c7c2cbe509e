"""``nascale test`` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from evaluators.trained.run_folder import BEST, open_run, save_weights
from nascale.cli import run
from tests.evaluators.trained.made_run import made_run

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    made_run(tmp_path / "run")
    return tmp_path / "run"


def test_the_second_look_says_so(trained: Path, capsys: Captured) -> None:
    assert run(["test", str(trained)]) == 0
    told = capsys.readouterr().out
    assert "first look at 359 test images: accuracy 0.0836 (0.0592–0.1168)" in told
    assert "look at these test images" not in told
    assert run(["test", str(trained), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"accuracy", "low", "high", "balanced_accuracy", "images", "looks"} <= set(found)
    assert found["looks"] == found["looks_at_these_weights"] == 2 == len(open_run(trained).tests)
    assert found["low"] < found["accuracy"] < found["high"]
    assert found["warnings"][0].startswith("this is the second look at these test images (2 looks)")


def test_other_weights_do_not_start_the_count_anew(trained: Path, capsys: Captured) -> None:
    assert run(["test", str(trained)]) == 0
    opened = open_run(trained)
    save_weights(trained / BEST, {name: 2 * t for name, t in opened.weights().items()})
    capsys.readouterr()
    assert run(["test", str(trained), "--format", "csv", "-o", str(trained / "classes.csv")]) == 0
    assert "second look at these test images (2 looks, 1 of them at other weights)" in capsys.readouterr().err
    rows = pd.read_csv(trained / "classes.csv")
    assert rows["images"].sum() == 359 and list(rows["class"]) == list(range(10))


def test_pictures_are_written_where_asked(trained: Path, tmp_path: Path, capsys: Captured) -> None:
    assert run(["test", str(trained), "--mistakes", str(tmp_path / "m.png"), "--write"]) == 0
    names = {path.name for path in trained.iterdir()}
    assert {"confusion.png", "reliability.png"} <= names and "mistakes.png" not in names
    assert (tmp_path / "m.png").stat().st_size > 1000
    assert capsys.readouterr().err.count("wrote ") == 3


def test_bad_input_is_one_line_and_no_look(trained: Path, tmp_path: Path, capsys: Captured) -> None:
    for arguments, message in (
        ([str(tmp_path)], "RUN: wanted a folder that nascale train made"),
        ([str(trained), "--confusion", "x.txt"], "--confusion: wanted a file that ends in"),
        ([str(trained), "--data", "nothing"], "data: no such name 'nothing'"),
        ([str(trained), "--device", "tpu"], "device: wanted auto, cpu or cuda"),
    ):
        assert run(["test", *arguments]) == 2
        told = capsys.readouterr()
        assert message in told.err and told.err.count("\n") == 1 and told.out == ""
    opened = open_run(trained).write(finished=False)
    assert run(["test", str(trained)]) == 2
    assert "wanted a training that has come to its end (or --unfinished)" in capsys.readouterr().err
    assert open_run(trained) == opened
    assert run(["test", str(trained), "--unfinished"]) == 0
    assert len(open_run(trained).tests) == 1


@pytest.mark.parametrize(
    ("number", "word"),
    [(1, "first"), (10, "tenth"), (11, "11th"), (21, "21st"), (112, "112th"), (123, "123rd")],
)
def test_ordinals(number: int, word: str) -> None:
    from nascale.commands.test import _ordinal

    assert _ordinal(number) == word
