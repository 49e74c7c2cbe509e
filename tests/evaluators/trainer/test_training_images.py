"""Batches at the stored side are those that the validation images get, before they are resized."""

from __future__ import annotations

import numpy as np
import torch

from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet
from evaluators.trainer.training_images import TrainingImages

CPU = torch.device("cpu")


def wide_images() -> ImageSet:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 6, 10, 3), dtype=np.uint8)
    indices = np.arange(12)
    return ImageSet(
        "made", pixels, indices % 3, indices[:8], indices[8:10], indices[10:], ("a", "b", "c"), ""
    )


def test_a_batch_is_the_normalised_square_whether_or_not_it_is_kept_in_memory() -> None:
    images = wide_images()
    positions = torch.tensor([5, 0, 2])
    wanted, labels = DeviceImages(images, images.train, 6, CPU, channels_last=True).batch(positions)
    for resident_bytes in (2**20, 0):
        x, y = TrainingImages(images, images.train, CPU, resident_bytes=resident_bytes).batch(positions)
        torch.testing.assert_close(x, wanted)
        assert torch.equal(y, labels)
        assert x.is_contiguous(memory_format=torch.channels_last)
