"""A split on the device: normalised, and the same batches whether it is kept or gathered."""

from __future__ import annotations

import pytest
import torch

from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet

CPU = torch.device("cpu")


def test_images_are_normalised_and_a_file_gives_the_same_batches(digits: ImageSet) -> None:
    whole = DeviceImages(digits, digits.train, 8, CPU)
    gathered = DeviceImages(digits, digits.train, 8, CPU, resident_bytes=0)
    positions = torch.tensor([5, 2, 900])
    for a, b in zip(whole.batch(positions), gathered.batch(positions), strict=True):
        torch.testing.assert_close(a, b)
    x, _ = whole.slice(0, len(whole))
    assert float(x.mean()) == pytest.approx(0, abs=1e-4) and float(x.std()) == pytest.approx(1, abs=1e-3)
    assert DeviceImages(digits, digits.train, 16, CPU).slice(0, 2)[0].shape == (2, 1, 16, 16)
