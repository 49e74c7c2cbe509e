"""Random changes of training images: shifts, flips and cutout."""

from __future__ import annotations

import torch

from evaluators.images.augmentation import Augmentation

CPU = torch.device("cpu")


def test_a_shift_moves_whole_images_and_fills_with_zeros() -> None:
    x = torch.rand(64, 2, 5, 5) + 1
    shifted = Augmentation(crop=2)(x, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2))
    seen = set()
    for image, source in zip(shifted, padded, strict=True):
        places = [
            (i, j) for i in range(5) for j in range(5) if torch.equal(source[:, i : i + 5, j : j + 5], image)
        ]
        assert places
        seen |= set(places)
    assert len(seen) > 15


def test_flips_and_holes() -> None:
    x = torch.arange(1.0, 1 + 100 * 36).reshape(100, 1, 6, 6)
    flipped = Augmentation(flip=True)(x, torch.Generator().manual_seed(0))
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(flipped, x, strict=True)]
    assert all(m or torch.equal(a, b) for m, a, b in zip(mirrored, flipped, x, strict=True))
    assert 30 < sum(mirrored) < 70
    holed = Augmentation(cutout=3)(x, torch.Generator().manual_seed(0))
    holes = (holed == 0).sum((1, 2, 3))
    assert int(holes.max()) == 9 and int(holes.min()) >= 1
    assert bool(((holed == 0) | (holed == x)).all())
