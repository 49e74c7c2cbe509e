"""Images from npz files."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from evaluators.data import load
from space.errors import InputError
from tests.evaluators.conftest import shared
from tests.evaluators.images.written import write_npz


def test_npz_keeps_its_test_split_and_draws_validation_from_train(tmp_path: Path) -> None:
    images = load(f"npz:{write_npz(tmp_path / 'a.npz')}")
    assert (len(images.train), len(images.validation), len(images.test)) == (32, 8, 10)
    assert images.test.tolist() == list(range(40, 50))


def test_the_cifar_subset_loads_and_its_statistics_are_the_published_ones() -> None:
    images = load(f"npz:{shared('images/cifar10-10k.npz')}")
    assert images.images.shape == (12000, 32, 32, 3) and len(images.test) == 2000
    mean, std = images.statistics
    assert mean == pytest.approx([0.4928, 0.4842, 0.4473], abs=3e-3)
    assert std == pytest.approx([0.2458, 0.2432, 0.2605], abs=3e-3)


def arrays_of(path: Path, **arrays: object) -> str:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return f"npz:{path}"


PIXELS = np.arange(60 * 8 * 8, dtype=np.uint32).astype(np.uint8).reshape(60, 8, 8)
LABELS = np.arange(60) % 3


@pytest.mark.parametrize(
    "names",
    [
        *(("x_train", "y_train", f"x_{name}", f"y_{name}") for name in ("val", "valid", "validation")),
        ("X_train", "y_train", "X_val", "y_val"),
        ("train_images", "train_labels", "val_images", "val_labels"),
    ],
)
def test_a_validation_split_is_used_as_it_is_given(tmp_path: Path, names: tuple[str, ...]) -> None:
    x_train, y_train, x_val, y_val = names
    arrays = {x_train: PIXELS, y_train: LABELS[:, None], x_val: PIXELS[:15], y_val: LABELS[:15, None]}
    images = load(arrays_of(tmp_path / "a.npz", **arrays))
    assert (len(images.train), len(images.validation), len(images.test)) == (48, 15, 12)
    assert images.validation.tolist() == list(range(60, 75))
    assert images.origins["validation"] == f"given: {x_val}"


def test_labels_may_begin_anywhere_have_gaps_and_be_texts(tmp_path: Path) -> None:
    for name, labels, classes in (
        ("from1", LABELS + 1, ("1", "2", "3")),
        ("gaps", np.array([3, 17, 99])[LABELS], ("3", "17", "99")),
        ("words", np.array(["owl", "cat", "dog"])[LABELS], ("cat", "dog", "owl")),
    ):
        images = load(arrays_of(tmp_path / f"{name}.npz", x_train=PIXELS, y_train=labels))
        assert images.classes == classes and np.bincount(images.labels).tolist() == [20, 20, 20]
        assert [images.classes[label] for label in images.labels] == [str(label) for label in labels]
    with pytest.raises(InputError, match="at least two classes, got 'one: 7'"):
        load(arrays_of(tmp_path / "one.npz", x_train=PIXELS, y_train=np.full(60, 7)))


@pytest.mark.parametrize("hidden", [True, False])
def test_a_test_split_without_labels_stays_empty_and_no_other_is_drawn(tmp_path: Path, hidden: bool) -> None:
    arrays = {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:10]}
    if hidden:
        arrays["y_test"] = np.full(10, -1)
    images = load(arrays_of(tmp_path / "a.npz", **arrays))
    assert len(images.test) == 0 and len(images.train) + len(images.validation) == 60
    assert list(map(str, images.left_out)) == ["x_test (no label: 10 images)"]
    assert images.origins["test"] == "given: x_test, 10 images of it without labels"
    assert images.warnings == (
        "10 test images in x_test have no labels: left out, so no accuracy is measured on them",
    )


def test_training_images_without_a_label_are_refused_or_left_out(tmp_path: Path) -> None:
    text = arrays_of(tmp_path / "a.npz", x_train=PIXELS, y_train=np.where(np.arange(60) < 4, -1, LABELS))
    with pytest.raises(InputError, match=r"labels of 0 or more .*--skip-bad.*got '4 below 0'"):
        load(text)
    images = load(text, skip_bad=True)
    assert len(images.images) == 56 and images.labels.min() == 0
    assert str(images.left_out[0]) == "x_train (no label: 4 images)"


def test_arrays_that_are_not_used_are_noted(tmp_path: Path) -> None:
    images = load(arrays_of(tmp_path / "a.npz", x_train=PIXELS, y_train=LABELS, extra=LABELS, mean=LABELS))
    assert images.notes == ("arrays not used: extra, mean",)


def hostile(path: Path, member: str, header: str, body: bytes = b"") -> Path:
    """A set of which one array is only a header, with ``body`` behind it."""
    write_npz(path, **({} if member == "classes" else {member: None}), x_test=None, y_test=None)
    text = header.encode().ljust(117) + b"\n"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{member}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body)
    return path


HEADERS = {
    "terabytes of images": (
        *("x_train", "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 1000, 1000, 3)}"),
        r"wanted images of at most .*max-image-bytes.*got 3,000,000,000 MB",
    ),
    "labels of terabytes": (
        *("y_train", "{'descr': '<U100000000', 'fortran_order': False, 'shape': (40,)}"),
        r"wanted labels of at most",
    ),
    "more labels than images": (
        *("y_train", "{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,)}"),
        r"wanted 40 labels, one an image, got 1000000000000",
    ),
    "names of terabytes": (
        *("classes", "{'descr': '<U4', 'fortran_order': False, 'shape': (1000000000000,)}"),
        r"wanted labels of at most",
    ),
    "a pickle": (
        "y_train",
        "{'descr': '|O', 'fortran_order': False, 'shape': (40,)}",
        r"Object arrays cannot be loaded",
    ),
    "less than nothing": (
        "x_train",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 6, 6, 3)}",
        r"shape \(-1, 6, 6, 3\)",
    ),
    "no header": ("x_train", "{'descr': (((", "a readable npz file"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_what_a_header_says_is_checked_before_anything_is_unpacked(tmp_path: Path, case: str) -> None:
    member, header, message = HEADERS[case]
    file = hostile(
        tmp_path / "a.npz", member, header, b"cos\nsystem\n(S'true'\ntR." if case == "a pickle" else b""
    )
    with pytest.raises(InputError, match=message) as caught:
        load(f"npz:{file}", cache=tmp_path / "cache")
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_small_file_of_many_bytes_is_refused_by_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez_compressed(file, x_train=np.zeros((2000, 64, 64, 3), np.uint8), y_train=np.arange(2000) % 2)
    assert file.stat().st_size < 10**5
    with pytest.raises(InputError, match=r"at most 10 MB \(--max-image-bytes\), got 25 MB"):
        load(f"npz:{file}", cache=tmp_path / "cache", memory=1000, max_image_bytes=10**7)
    assert not (tmp_path / "cache").exists()
