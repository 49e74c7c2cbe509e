"""Hugging Face data sets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluators.data import load
from space.errors import InputError


def test_a_hugging_face_set_says_what_is_missing(tmp_path: Path) -> None:
    try:
        import datasets  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="nascale\\[hf\\]"):
            load(f"hf:{tmp_path}")
    else:
        with pytest.raises(InputError, match="a data set"):
            load(f"hf:{tmp_path}")


@pytest.mark.parametrize("form", ["saved", "one split", "parquet"])
def test_a_hugging_face_set_on_disk_is_read_with_its_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee", "cat"])}
    )

    def made(count: int) -> tuple[Any, np.ndarray[Any, Any]]:
        pixels = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
        rows = {"image": [Image.fromarray(p) for p in pixels], "label": [i % 3 for i in range(count)]}
        return datasets.Dataset.from_dict(rows, features=features), pixels

    (train, pixels), (test, _) = made(60), made(12)
    folder = tmp_path / "set"
    if form == "saved":
        datasets.DatasetDict(train=train, test=test).save_to_disk(str(folder))
    elif form == "one split":
        train.save_to_disk(str(folder))
    else:
        (folder / "data").mkdir(parents=True)
        train.to_parquet(str(folder / "data" / "train-00000.parquet"))
        test.to_parquet(str(folder / "data" / "test-00000.parquet"))
    images = load(f"hf:{folder}")
    assert images.classes == ("ant", "bee", "cat")
    assert np.array_equal(images.images[:60], pixels)
    assert images.labels[:6].tolist() == [0, 1, 2, 0, 1, 2]
    assert len(images.test) == 12
    assert len(images.train) + len(images.validation) == (48 if form == "one split" else 60)


def test_bad_rows_are_named_counted_and_left_out_only_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(file, "png")
    good = {"bytes": file.getvalue(), "path": None}
    cut = {"bytes": file.getvalue()[:50], "path": None}
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee"])}
    )
    rows = {"image": [None, *[good] * 12, cut, good], "label": [0, *[0, 1] * 6, 1, None]}
    folder = tmp_path / "set"
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(folder))
    named = r"3 of 15 that are not: all row 0 \(no image\); all row 13 \(.*\); all row 14 \(no label\)"
    with pytest.raises(InputError, match=rf"readable images \(or --skip-bad\), got .{named}"):
        load(f"hf:{folder}")
    for _ in range(2):  # decoded, then from the cache
        images = load(f"hf:{folder}", skip_bad=True)
        assert len(images.images) == 12 and images.describe()["skipped"] == 3
        assert str(images.left_out[0]) == "all row 0 (no image)"
    with pytest.raises(InputError, match="3 of 15"):  # what was kept without them is not taken for the whole
        load(f"hf:{folder}")


def test_a_set_without_a_readable_image_is_refused(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    rows = {"image": [None, None], "label": [0, 1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(InputError, match="readable images, got 'none in 2 rows'"):
        load(f"hf:{tmp_path / 'set'}", skip_bad=True)


def png(size: int, mode: str = "RGB", orientation: int = 1) -> dict[str, object]:
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    Image.new(mode, (size, size)).save(file, "PNG", exif=exif)
    return {"bytes": file.getvalue(), "path": None}


def saved(folder: Path, rows: dict[str, list[Any]], **labels: list[str]) -> str:
    """The rows as a saved set, each name of ``labels`` a column of class labels, the others of whole numbers."""
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    features = {"image": datasets.Image()} | {
        name: datasets.ClassLabel(names=labels[name]) if name in labels else datasets.Value("int64")
        for name in rows
        if name != "image"
    }
    datasets.Dataset.from_dict(rows, features=datasets.Features(features)).save_to_disk(str(folder))
    return f"hf:{folder}"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))


def test_the_set_decides_on_size_and_grey_not_its_first_row(tmp_path: Path) -> None:
    pictures = [png(64, "L"), *[png(8, "L")] * 10, png(8, "RGB")]
    text = saved(tmp_path / "set", {"image": pictures, "label": [0, 1] * 6}, label=["a", "b"])
    assert load(text).images.shape == (12, 8, 8, 3)
    grey = saved(tmp_path / "grey", {"image": pictures[:-1] * 2, "label": [0, 1] * 11}, label=["a", "b"])
    assert load(grey).images.shape == (22, 8, 8, 1)


def test_the_column_of_labels_is_chosen_and_the_choice_is_noted(tmp_path: Path) -> None:
    rows = {"image": [png(8)] * 12, "coarse": [0, 1] * 6, "fine": [0, 1, 2] * 4, "year": [1999, 2001] * 6}
    text = saved(tmp_path / "set", rows, coarse=["plant", "animal"], fine=["oak", "cat", "dog"])
    first = load(text)
    assert first.classes == ("plant", "animal")
    assert first.notes == ("labels from column coarse", "other columns of labels: fine (hf:NAME#column=fine)")
    assert load(f"{text}#column=fine").classes == ("oak", "cat", "dog")
    years = load(f"{text}#column=year")
    assert years.classes == ("1999", "2001") and years.labels[:2].tolist() == [0, 1]
    with pytest.raises(InputError, match=r"column: no such name 'fin' .nearest: fine"):
        load(f"{text}#column=fin")


def test_a_hidden_test_split_stays_empty_and_other_splits_are_named(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})

    def rows(labels: list[int]) -> Any:
        return datasets.Dataset.from_dict(
            {"image": [png(8)] * len(labels), "label": labels}, features=features
        )

    splits = {"train": rows([0, 1] * 6), "test": rows([-1] * 5), "unsupervised": rows([-1] * 7)}
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "set"))
    images = load(f"hf:{tmp_path / 'set'}")
    assert len(images.test) == 0 and len(images.images) == 12
    assert sorted(map(str, images.left_out)) == [
        "split test (no label: 5 images)",
        "split unsupervised (7 rows; not one of train, validation and test)",
    ]
