"""``nascale predict`` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from evaluators.trained.run_folder import BEST, open_run, save_weights
from nascale.cli import run
from tests.evaluators.trained.made_run import made_run

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a run, and photos of which one is broken."""
    made_run(tmp_path / "run")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name, image in zip(("b.png", "deep/c.png", "d.png"), pixels, strict=True):
        Image.fromarray(image).save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "a.png").write_bytes(b"no picture")
    (tmp_path / "photos" / "notes.txt").write_text("text")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_broken_picture_is_named_and_the_rest_goes_on(place: Path, capsys: Captured) -> None:
    assert run(["predict", "run", "photos", "none.png", "--format", "csv"]) == 0
    told = capsys.readouterr()
    rows = [line.split(",") for line in told.out.splitlines()]
    assert rows[0] == ["file", "class", "probability"]
    assert [row[0] for row in rows[1:]] == ["photos/b.png", "photos/d.png", "photos/deep/c.png"]
    assert told.err.splitlines() == [
        "cannot read none.png (nothing there)",
        "cannot read photos/a.png (not an image that Pillow can read)",
        "3 pictures; 2 could not be read; passed by 1: photos/notes.txt (not an image)",
    ]


def test_all_forms_hold_the_same(place: Path, capsys: Captured) -> None:
    pictures = ["photos/*.png", "photos/deep", "--top", "3"]
    assert run(["predict", "run", *pictures, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert list(rows[0]) == [
        "file",
        *["class", "probability", "class_2", "probability_2", "class_3", "probability_3"],
    ]
    assert rows[0]["probability"] > rows[0]["probability_2"] > rows[0]["probability_3"]
    for form in ("csv", "parquet"):
        assert run(["predict", "run", *pictures, "-o", f"found.{form}"]) == 0
        frame = pd.read_csv("found.csv", dtype={f"class{end}": str for end in ("", "_2", "_3")}) if form == "csv" else pd.read_parquet("found.parquet")  # fmt: skip
        assert frame.to_dict("records") == rows
    capsys.readouterr()
    assert run(["predict", "run", "photos/b.png"]) == 0
    assert "photos/b.png" in capsys.readouterr().out


def test_a_calibrated_probability_has_the_temperature_of_the_test(place: Path, capsys: Captured) -> None:
    line = ["predict", "run", "photos/b.png", "--top", "10", "--format", "json"]
    assert run([*line, "--calibrated"]) == 2
    assert "--calibrated: wanted a run that nascale test has looked at" in capsys.readouterr().err
    assert run(["test", "run"]) == 0
    capsys.readouterr()
    found = []
    for more in ([], ["--calibrated"]):
        assert run([*line, *more]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        found.append(np.log(row["probability"] / row["probability_10"]))
    (test,) = open_run("run").tests
    assert found[0] / found[1] == pytest.approx(test["temperature"])
    save_weights(place / "run" / BEST, {n: 2 * t for n, t in open_run("run").weights().items()})
    assert run([*line, "--calibrated"]) == 2


def test_nothing_that_can_be_read_is_one_line_and_no_file(place: Path, capsys: Captured) -> None:
    for pictures in (["none.png"], ["photos/a.png", "photos/*.gif"], ["run"]):
        assert run(["predict", "run", *pictures, "-o", "found.csv"]) == 2
        told = capsys.readouterr()
        assert told.err.startswith("error: IMAGE: wanted at least one picture that can be read, got ")
        assert told.err.count("\n") == 1 and told.out == ""
    assert run(["predict", "run", "photos", "-o", "nowhere/found.csv"]) == 2
    assert "--output: wanted a path that can be written" in capsys.readouterr().err
    assert sorted(path.name for path in place.iterdir()) == ["photos", "run"]


def test_an_unfinished_training_is_said_so(place: Path, capsys: Captured) -> None:
    open_run("run").write(finished=False)
    assert run(["predict", "run", "photos/b.png"]) == 0
    assert "the training of run has not come to its end" in capsys.readouterr().err
