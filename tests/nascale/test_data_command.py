"""``nascale data`` and ``nascale.data``: what an image set holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nascale
from nascale.cli import run
from tests.evaluators.images.written import write_folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))


def test_the_json_is_one_object_with_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_folder(tmp_path / "photos", ("train", "test"), classes=2)
    (root / "train" / "class0" / "notes.txt").write_text("text")
    assert run(["data", f"folder:{root}", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["images"] == 24 and told["classes"] == ["class0", "class1"]
    assert told["splits"]["test"] == {
        "images": 12,
        "counts": {"class0": 6, "class1": 6},
        "origin": "given: test",
    }
    assert told["left_out"] == [{"path": "train/class0/notes.txt", "why": "not an image"}]
    across = told["duplicates"]["across"]
    assert across["train-test"] + across["validation-test"] == 12  # both folders hold the same images
    assert "10 test images are train images too: scores on test images are too good" in told["warnings"]


def test_the_table_has_a_row_for_each_class_and_words_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_folder(tmp_path / "photos", ("train", "val"), classes=2)
    (root / "train" / "class1" / "bad.png").write_bytes(b"bad")
    assert run(["data", f"folder:{root}"]) == 2
    assert "readable images (or --skip-bad)" in capsys.readouterr().err
    assert run(["data", f"folder:{root}", "--skip-bad", "--resolution", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line.split() for line in lines if "class1" in line) == ["1", "class1", "5", "6", "1"]
    assert "24 images of 2 classes, 8×8 pixels, 3 channels" in "\n".join(lines)
    assert any(line.startswith("validation: 12 images, given: val") for line in lines)
    assert any(line.startswith("left out 1: train/class1/bad.png (not an image") for line in lines)
    assert any(line.startswith("warning: ") and "images are train images too" in line for line in lines)


def test_python_and_command_line_agree(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "photos", classes=2)
    images = nascale.data(f"folder:{root}", size=8, seed=3, validation=0.4, skip_bad=True)
    assert images.images.shape == (12, 8, 8, 3) and images.images.dtype == np.uint8
    assert len(images.labels) == 12 and images.classes == ("class0", "class1") and images.left_out == ()
    assert sorted([*images.train, *images.validation, *images.test]) == list(range(12))
    out = tmp_path / "photos.csv"
    assert run(["data", f"folder:{root}", "--seed", "3", "--validation", "0.4", "-o", str(out)]) == 0
    rows = [line.split(",") for line in out.read_text().splitlines()]
    assert rows[0] == ["label", "class", "train", "validation", "test"]
    assert sum(int(row[3]) for row in rows[1:]) == len(images.validation)


def test_bad_options_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (("--validation", "1.5"), ("--resolution", "0")):
        assert run(["data", "digits", option, value]) == 2
        assert capsys.readouterr().err.count("\n") == 1
