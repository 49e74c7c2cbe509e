"""What an image set says of its images."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.data import load
from tests.evaluators.images.written import write_npz


def test_statistics_are_those_of_the_training_split(tmp_path: Path) -> None:
    images = load(f"npz:{write_npz(tmp_path / 'a.npz')}")
    pixels = images.images[images.train] / 255
    mean, std = images.statistics
    assert mean == pytest.approx(pixels.mean((0, 1, 2)))
    assert std == pytest.approx(pixels.std((0, 1, 2)))
