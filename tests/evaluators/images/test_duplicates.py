"""Equal images are found, within a split, across splits and under several labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluators.data import load
from evaluators.images.duplicates import Duplicates
from evaluators.images.image_set import ImageSet
from tests.evaluators.images.written import write_npz


def test_duplicates_are_counted_by_split_and_label(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    train, val, test = (rng.integers(0, 256, (n, 6, 6, 3), dtype=np.uint8) for n in (40, 8, 12))
    train[1] = train[0]  # labels 0 and 1
    train[4] = train[8] = train[12]  # all of label 0
    val[0] = train[20]
    test[:3] = train[24]
    file = write_npz(
        tmp_path / "a.npz",
        x_train=train,
        x_val=val,
        y_val=np.arange(8) % 4,
        x_test=test,
        y_test=np.arange(12) % 4,
    )
    found = Duplicates.of(load(f"npz:{file}"))
    assert found.repeated == 1 + 2 + 1 + 3
    assert found.across == {("train", "validation"): 1, ("train", "test"): 3, ("validation", "test"): 0}
    assert found.conflicting == 2 and found.example == ("0", "1")
    assert found.warnings() == [
        "7 images have the same pixels as an earlier one",
        "1 validation images are train images too: scores on validation images are too good",
        "3 test images are train images too: scores on test images are too good",
        "2 images have several labels: the same pixels are 0 and 1",
    ]


def test_a_clean_set_has_none(digits: ImageSet) -> None:
    found = Duplicates.of(digits)
    pixels = {image.tobytes() for image in digits.images}
    assert found.repeated == len(digits.images) - len(pixels) == 0
    assert found.warnings() == [] and found.to_json()["repeated"] == 0
