"""What a network sees of stored bytes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from evaluators.images.preparing import SMALLEST_STD, prepared


def drawn(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_pixels_are_normalised_by_channel() -> None:
    images = drawn(3, 8, 8, 2)
    x = prepared(images, 8, (0.5, 0.25), (0.2, 0.1))
    wanted = (images.double() / 255 - torch.tensor([0.5, 0.25])) / torch.tensor([0.2, 0.1])
    torch.testing.assert_close(x.permute(0, 2, 3, 1).double(), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 14), (14, 9)])
def test_the_largest_centred_square_is_resized(shape: tuple[int, int]) -> None:
    images = drawn(2, *shape, 3)
    start = (14 - 9) // 2
    square = images[:, :, start : start + 9] if shape[1] > shape[0] else images[:, start : start + 9]
    for resolution in (9, 6, 12):
        x = prepared(images, resolution, (0, 0, 0), (1, 1, 1)) * 255
        wanted = square.permute(0, 3, 1, 2).float()
        if resolution != 9:
            wanted = F.interpolate(
                wanted, (resolution, resolution), mode="bilinear", antialias=True, align_corners=False
            )
        torch.testing.assert_close(x, wanted, rtol=1e-5, atol=1e-3)


def test_a_constant_channel_is_not_blown_up() -> None:
    x = prepared(torch.full((1, 2, 2, 1), 255, dtype=torch.uint8), 2, (0.0,), (0.0,))
    torch.testing.assert_close(x, torch.full((1, 1, 2, 2), 1 / SMALLEST_STD))
