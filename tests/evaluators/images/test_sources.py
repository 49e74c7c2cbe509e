"""Sources by name: bad input is named, and the help lists every format."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from evaluators.data import load
from space.errors import InputError, UnknownNameError
from tests.evaluators.images.written import write_npz


def cases(folder: Path) -> dict[str, tuple[str, str]]:
    """Bad input by name: (what to load, what the message says)."""
    good = write_npz(folder / "good.npz")
    (folder / "cut.npz").write_bytes(good.read_bytes()[:-2000])
    (folder / "text.npz").write_text("hello")
    np.savez(folder / "range.npz", **{**dict(np.load(good)), "classes": np.array(["a", "b"])})
    write_npz(folder / "negative.npz", y_train=np.arange(40) - 1)
    write_npz(folder / "float.npz", x_train=np.zeros((40, 6, 6, 3)))
    write_npz(folder / "planes.npz", x_train=np.zeros((40, 3, 6, 6), np.uint8))
    write_npz(folder / "short.npz", y_train=np.zeros(39, int))
    write_npz(folder / "single.npz", y_train=np.array([0] * 20 + [1] * 19 + [2]))
    write_npz(folder / "bare.npz", y_train=None)
    (folder / "empty").mkdir()
    (folder / "nothing" / "a").mkdir(parents=True)
    return {
        "missing": (f"npz:{folder / 'none.npz'}", "wanted a file, got 'nothing there'"),
        "a folder for a file": (f"npz:{folder}", "wanted a file, got 'a folder'"),
        "a file for a folder": (f"folder:{good}", "wanted a folder, got 'a file'"),
        "truncated": (f"npz:{folder / 'cut.npz'}", "a readable npz file"),
        "no npz": (f"npz:{folder / 'text.npz'}", "a readable npz file"),
        "labels out of range": (
            f"npz:{folder / 'range.npz'}",
            r"labels in 0\.\.1, as it names classes, got 3",
        ),
        "negative labels": (
            f"npz:{folder / 'negative.npz'}",
            "labels of 0 or more for training images .or --skip-bad., got '1 below 0'",
        ),
        "floats": (f"npz:{folder / 'float.npz'}", "uint8 images, got 'float64'"),
        "channels first": (f"npz:{folder / 'planes.npz'}", "images .n, height, width, 1 or 3."),
        "too few labels": (f"npz:{folder / 'short.npz'}", "40 labels, one an image, got 39"),
        "a class of one image": (
            f"npz:{folder / 'single.npz'}",
            "single.npz: wanted at least two images of each class",
        ),
        "no labels": (f"npz:{folder / 'bare.npz'}", "labels beside x_train"),
        "an empty folder": (f"folder:{folder / 'empty'}", "one folder of images per class"),
        "no images": (f"folder:{folder / 'nothing'}", "no images in it that can be read; left out 1"),
        "no cifar": (f"cifar10:{folder / 'empty'}", "CIFAR's python batches"),
        "no idx": (f"idx:{folder / 'empty'}", "idx3-ubyte"),
    }


def test_bad_input_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    for name, (text, message) in cases(tmp_path).items():
        with pytest.raises(InputError, match=message) as caught:
            load(text, cache=tmp_path / "cache")
        assert "\n" not in str(caught.value), name
        assert text.partition(":")[2] in str(caught.value), name


def test_an_unknown_source_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"cifar100?, cifar100?"):
        load("cifar:x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("folder:", "data: wanted folder:DIR, got 'folder:'"),
        ("npz", "data: wanted npz:FILE, got 'npz:'"),
        ("hf:", "data: wanted hf:NAME_OR_PATH, got 'hf:'"),
        ("digits:x", "data: wanted digits, got 'digits:x'"),
    ],
)
def test_a_missing_path_says_how_the_source_is_written(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load(text)
    assert str(caught.value) == message


def test_a_path_without_a_format_is_offered_with_one(tmp_path: Path) -> None:
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"")
    (tmp_path / "cifar" / "cifar-100-python").mkdir(parents=True)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "dataset_info.json").write_text("{}")
    (tmp_path / "a.txt").write_text("")
    write_npz(tmp_path / "a.npz")
    for name, prefix in (
        ("photos", "folder"),
        ("saved", "hf"),
        ("mnist", "idx"),
        ("cifar", "cifar100"),
        ("a.npz", "npz"),
    ):
        with pytest.raises(InputError, match=f"wanted {prefix}:{tmp_path / name}, with the format in front"):
            load(str(tmp_path / name))
    with pytest.raises(UnknownNameError):
        load(str(tmp_path / "nothing"))
    with pytest.raises(UnknownNameError):
        load(str(tmp_path / "a.txt"))


def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for prefix, wanted in (("npz", "a file"), ("folder", "a folder"), ("idx", "a folder")):
        with pytest.raises(InputError, match=f"wanted {wanted}, got 'a pipe'"):
            load(f"{prefix}:{tmp_path / 'pipe'}")
    (tmp_path / "set").mkdir()
    os.mkfifo(tmp_path / "set" / "train-images-idx3-ubyte")
    with pytest.raises(InputError, match="idx3-ubyte"):
        load(f"idx:{tmp_path / 'set'}")
