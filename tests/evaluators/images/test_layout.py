"""Folders as people lay them out: classes and splits are found, or the message says what was found and what is wanted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from evaluators.images.layout import Layout, part_of, read_layout
from space.errors import InputError


def made(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("text")
        elif not path.suffix:
            path.mkdir()
        else:
            Image.new("L", (4, 4)).save(path, "PNG")
    return root


def found(layout: Layout) -> dict[tuple[int, str], int]:
    return dict(Counter((one.part, one.class_name) for one in layout.pictures))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(
            (name, 0)
            for name in (
                "train",
                "Train",
                "TRAINING",
                "training_set",
                "train-images",
                "Train data",
                "trainset",
            )
        ),
        *((name, 1) for name in ("val", "valid", "Validation", "dev", "validation_set", "val_images")),
        *((name, 2) for name in ("test", "Testing", "test set", "TestData")),
        *((name, None) for name in ("trains", "tested", "cat", "training camp", "contest", "value", "set")),
    ],
)
def test_the_usual_names_of_splits(name: str, part: int | None) -> None:
    assert part_of(name) == part


LAYOUTS = {
    "class folders": (["a/1.png", "b/1.png", "b/2.png"], {(-1, "a"): 1, (-1, "b"): 2}),
    "folders in class folders": (
        ["a/1.png", "a/x/2.png", "a/x/y/3.png", "b/x/1.png"],
        {(-1, "a"): 3, (-1, "b"): 1},
    ),
    "splits": (["Train/a/1.png", "Train/b/1.png", "Test/a/1.png"], {(0, "a"): 1, (0, "b"): 1, (2, "a"): 1}),
    "splits and a folder without images": (
        ["train/a/1.png", "val/a/1.png", "docs/x.txt"],
        {(0, "a"): 1, (1, "a"): 1},
    ),
    "a wrapping folder": (["set/train/a/1.png", "set/train/b/1.png"], {(0, "a"): 1, (0, "b"): 1}),
    "two wrapping folders": (["x/y/a/1.png", "x/y/b/1.png"], {(-1, "a"): 1, (-1, "b"): 1}),
    "splits that wrap themselves": (["train/train/a/1.png", "test/test/a/1.png"], {(0, "a"): 1, (2, "a"): 1}),
    "only a training split": (["train/a/1.png", "train/b/1.png"], {(0, "a"): 1, (0, "b"): 1}),
    "two validation splits": (["train/a/1.png", "val/a/1.png", "dev/a/2.png"], {(0, "a"): 1, (1, "a"): 2}),
    "a class called train": (["train/1.png", "bus/1.png"], {(-1, "train"): 1, (-1, "bus"): 1}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_that_are_understood(tmp_path: Path, name: str) -> None:
    files, wanted = LAYOUTS[name]
    assert found(read_layout(made(tmp_path, *files), "data x")) == wanted


def test_a_test_folder_without_classes_is_given_and_has_no_labels(tmp_path: Path) -> None:
    files = ["train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png"]
    layout = read_layout(made(tmp_path, *files), "data x")
    assert layout.given == {0: "train", 2: "test"} and layout.unlabelled == {2: 2}
    assert [one.path for one in layout.left_out] == ["test/1.png", "test/2.png"]
    assert {one.why for one in layout.left_out} == {"no label: test has no class folders"}


def test_all_that_is_not_used_is_named_with_its_reason(tmp_path: Path) -> None:
    made(tmp_path, "a/1.png", "b/1.png", "loose.png", "a/notes.txt", "empty")
    (tmp_path / "b" / "2.heic").write_bytes(b"ftyp")
    (tmp_path / "b" / "3.svg").write_text("<svg/>")
    (tmp_path / "b" / "4").write_bytes((tmp_path / "b" / "1.png").read_bytes())  # a picture without a suffix
    layout = read_layout(tmp_path, "data x")
    assert found(layout) == {(-1, "a"): 1, (-1, "b"): 2}
    assert {one.path: one.why for one in layout.left_out} == {
        "a/notes.txt": "not an image",
        "b/2.heic": "needs the package pillow-heif: pip install 'nascale[heif]'",
        "b/3.svg": "a drawing, not pixels",
        "empty": "a folder without readable images",
        "loose.png": "beside the folders, so without a class",
    }


REFUSED = {
    "splits beside classes": (["train/a/1.png", "test/a/1.png", "more/1.png"], r"more, test, train.$"),
    "no training split": (["test/a/1.png", "val/a/1.png"], r"got 'test, val'"),
    "a training split without classes": (
        ["train/1.png", "test/a/1.png"],
        "one folder of images per class in train",
    ),
    "no folder": (["1.png", "2.png"], "one folder of images per class, got '2 images and no folder in it"),
    "no picture": (
        ["a/x.txt"],
        "no images in it that can be read; left out 2, as a/x.txt .not an image.; a ",
    ),
    "a class that is only in test": (["train/a/1.png", "test/b/1.png"], r"b in test \(train has a\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_layouts_are_refused_with_what_was_found(tmp_path: Path, name: str) -> None:
    files, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as caught:
        read_layout(made(tmp_path, *files), "data x")
    assert "\n" not in str(caught.value)


def test_the_message_about_splits_lists_the_names_that_are_accepted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train, validation \(or val, valid, dev\) and test"):
        read_layout(made(tmp_path, "train/a/1.png", "holdout/a/1.png"), "data x")
