"""What a set holds, as one value."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from evaluators.data import load
from evaluators.images.image_set import ImageSet
from evaluators.images.summary import DataSummary
from tests.evaluators.images.written import write_folder, write_npz


def test_the_summary_counts_every_image_once(digits: ImageSet) -> None:
    summary = DataSummary.of(digits)
    assert (summary.images, summary.height, summary.width, summary.channels) == (1797, 8, 8, 1)
    assert sum(split.images for split in summary.splits.values()) == 1797
    for split in summary.splits.values():
        assert sum(split.counts.values()) == split.images and tuple(split.counts) == summary.classes
    assert summary.smallest == ("8", 174) and summary.largest == ("3", 183)
    assert round(summary.imbalance, 2) == 1.05 and summary.warnings == ()


def test_its_json_is_what_the_command_promises(digits: ImageSet) -> None:
    told = json.loads(json.dumps(DataSummary.of(digits).to_json()))
    assert set(told) >= {
        *("name", "images", "classes", "height", "width", "channels", "checksum"),
        *("splits", "left_out", "warnings"),
    }
    assert set(told["splits"]) == {"train", "validation", "test"}
    assert all(set(split) == {"images", "counts", "origin"} for split in told["splits"].values())
    assert told["largest"] == {"class": "3", "images": 183, "share": 0.1018}


def test_origins_tell_given_splits_from_drawn_ones(tmp_path: Path) -> None:
    splits = DataSummary.of(load(f"npz:{write_npz(tmp_path / 'a.npz')}")).splits
    assert splits["train"].origin == "given: x_train, without those drawn for validation"
    assert splits["validation"].origin == "drawn from the training images: 0.2 of each class, seed 0"
    assert splits["test"].origin == "given: x_test"


def test_many_files_left_out_are_counted_and_a_few_named(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a")
    for i in range(120):
        (root / f"{i:03}.txt").write_text("text")
    summary = DataSummary.of(load(f"folder:{root}", cache=tmp_path / "cache"))
    few = "left out 120: 000.txt (not an image), 001.txt (not an image), 002.txt (not an image) and 117 more"
    assert few in summary.line() and "\n" not in summary.line()
    assert len(summary.to_json()["left_out"]) == 120
    assert len(summary.kept()["left_out"]) == 100 and summary.kept()["left_out_count"] == 120
    assert summary.to_json()["left_out"][0] == {"path": "000.txt", "why": "not an image"}


def test_small_and_unbalanced_classes_are_warned_of(tmp_path: Path) -> None:
    labels = np.repeat([0, 1, 2], [60, 20, 8])
    file = write_npz(tmp_path / "a.npz", n=88, y_train=labels, x_test=None, y_test=None)
    warnings = DataSummary.of(load(f"npz:{file}")).warnings
    assert warnings[0] == "fewer than 10 images of 1 of 3 classes: 2 (8)"
    assert warnings[1].startswith("the classes are unbalanced: 0 has 68% of the training images, 7.5 times")


def test_images_much_smaller_than_they_are_going_to_be_are_warned_of(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", each=5)  # the short side is 16
    for i in range(4):
        Image.new("RGB", (40, 50)).save(root / "class0" / f"large{i}.png")

    def warned(size: int | None) -> list[str]:
        images = load(f"folder:{root}", cache=tmp_path / "cache", size=size)
        return [warning for warning in images.warnings if "at most half" in warning]

    assert warned(None) == [] and warned(31) == []
    assert warned(32) == ["15 of 19 images have at most half of the 32 pixels wanted; the smallest 16"]
    small = load(f"npz:{write_npz(tmp_path / 'a.npz')}", size=64)
    assert small.warnings == ("50 of 50 images have at most half of the 64 pixels wanted; the smallest 6",)
