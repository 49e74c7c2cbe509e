"""Hugging Face data sets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluators.images.loading import load
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
        assert images.skipped[0] == "all row 0 (no image)"
    with pytest.raises(InputError, match="3 of 15"):  # what was kept without them is not taken for the whole
        load(f"hf:{folder}")


def test_a_set_without_a_readable_image_is_refused(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    rows = {"image": [None, None], "label": [0, 1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(InputError, match="readable images, got 'none in 2 rows'"):
        load(f"hf:{tmp_path / 'set'}", skip_bad=True)
