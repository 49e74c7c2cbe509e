"""The images of a training: how large pictures are decoded, and that a run finds them again from anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluators.data import load
from nascale.train_data import training_data
from nascale.train_spec import train_spec


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures of 80×64 pixels in two classes."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(6):
            pixels = rng.integers(0, 256, (80, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("arch", "resolution", "size"),
    [
        ("resnet18@resolution=24", None, 48),
        ("resnet18@resolution=40", None, 64),
        ("resnet18", 20, 40),
        ("resnet18", None, 64),
    ],
)
def test_pictures_keep_up_to_twice_the_pixels(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arch: str,
    resolution: int | None,
    size: int,
) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    found = training_data(train_spec(arch, {"data": "folder:photos", "resolution": resolution}), None)
    assert found.images.images.shape[1:] == (size, size, 3)
    assert (found.keywords["size"], found.side) == (size, 64)
    monkeypatch.chdir("/")
    again = load(**found.keywords)
    assert again.describe() == found.images.describe()


def test_arrays_keep_their_side() -> None:
    found = training_data(train_spec("resnet18@resolution=32", {"data": "digits", "split_seed": 3}), None)
    assert found.keywords == {"text": "digits", "seed": 3, "validation": 0.2, "skip_bad": False, "size": None}
    assert found.side == found.images.resolution == 8
