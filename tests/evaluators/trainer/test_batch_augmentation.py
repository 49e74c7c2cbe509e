"""All changes of a batch together: shapes, seeds, and what each setting alone does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.full_recipe import FullRecipe
from evaluators.images.augmentation import Augmentation
from evaluators.trainer.batch_augmentation import BatchAugmentation

OFF: dict[str, Any] = {"random_resized_crop": 0.0, "crop": 0, "flip": False, "auto_augment": "none"}
ALL: dict[str, Any] = {"crop": 1, "cutout": 2, "mixup": 0.2, "cutmix": 1.0, "random_erasing": 0.5}
GREY = ((0.4,), (0.2,))
COLOUR = ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(channels: int = 3, side: int = 16, n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised pixels that are bytes, and labels."""
    mean, std = (torch.tensor(s)[:, None, None] for s in (GREY if channels == 1 else COLOUR))
    x = torch.randint(0, 256, (n, channels, side, side), generator=seeded(9)) / 255
    return (x - mean) / std, torch.arange(n) % 7


def augmentation(channels: int = 3, resolution: int = 16, **changes: Any) -> BatchAugmentation:
    return BatchAugmentation.of(FullRecipe(**changes), 7, resolution, GREY if channels == 1 else COLOUR)


@given(
    channels=st.sampled_from([1, 3]),
    side=st.integers(8, 40),
    resolution=st.integers(4, 16),
    n=st.integers(1, 9),
    crop=st.sampled_from([0.0, 0.3]),
    auto=st.sampled_from(["none", "trivial", "rand"]),
    rest=st.booleans(),
    last=st.booleans(),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None)
def test_any_batch_comes_back_at_the_resolution(
    channels: int,
    side: int,
    resolution: int,
    n: int,
    crop: float,
    auto: str,
    rest: bool,
    last: bool,
    seed: int,
) -> None:
    x, y = batch(channels, side, n)
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    before = x.clone()
    augment = augmentation(
        channels, resolution, random_resized_crop=crop, auto_augment=auto, **(ALL if rest else {})
    )
    found, targets = augment(x, y, seeded(seed))
    assert found.shape == (n, channels, resolution, resolution)
    assert bool(found.isfinite().all()) and torch.equal(x, before)
    assert targets.shape == ((n, 7) if rest else (n,))
    again, same = augment(x, y, seeded(seed))
    assert torch.equal(found, again) and torch.equal(targets, same)


@pytest.mark.parametrize("auto", ["none", "trivial", "rand"])
def test_other_seeds_give_other_images(auto: str) -> None:
    x, y = batch()
    augment = augmentation(auto_augment=auto)
    assert not torch.equal(augment(x, y, seeded(0))[0], augment(x, y, seeded(1))[0])


def test_memory_formats_do_not_matter() -> None:
    x, y = batch()
    augment = augmentation(auto_augment="rand", **ALL)
    found, _ = augment(x, y, seeded())
    other, _ = augment(x.contiguous(memory_format=torch.channels_last), y, seeded())
    torch.testing.assert_close(found, other)


def test_nothing_switched_on_is_a_plain_resize() -> None:
    x, y = batch()
    found, targets = augmentation(**OFF)(x, y, seeded())
    assert found is x and targets is y
    smaller, _ = augmentation(resolution=9, **OFF)(x, y, seeded())
    wanted = F.interpolate(x, (9, 9), mode="bilinear", antialias=True, align_corners=False)
    assert torch.equal(smaller, wanted)


def test_the_settings_of_a_search_do_the_same() -> None:
    x, y = batch()
    found, _ = augmentation(**{**OFF, "crop": 2, "flip": True})(x, y, seeded())
    generator = seeded()
    wanted = Augmentation(crop=2)(Augmentation(flip=True)(x, generator), generator)
    assert torch.equal(found, wanted)


def test_by_default_images_are_shifted_by_an_eighth_of_their_side_and_crops_of_a_part_are_not() -> None:
    x, y = batch(side=32)
    found, _ = augmentation(resolution=32, flip=False)(x, y, seeded())
    assert torch.equal(found, Augmentation(crop=4)(x, seeded()))
    cropped = {"resolution": 32, "random_resized_crop": 0.3}
    found, _ = augmentation(**cropped)(x, y, seeded())
    assert torch.equal(found, augmentation(**cropped, crop=0)(x, y, seeded())[0])


def test_changes_of_colour_leave_the_other_images_alone() -> None:
    x, y = batch(n=600)
    found, _ = augmentation(**{**OFF, "auto_augment": "trivial"})(x, y, seeded())
    same = (found == x).flatten(1).all(1).float().mean()
    assert 0.04 < float(same) < 0.13  # one of fourteen is the identity, or 0.071
    mean, std = (torch.tensor(s)[:, None, None] for s in COLOUR)
    pixels = found * std + mean
    assert float(pixels.min()) > -1e-5 and float(pixels.max()) < 1 + 1e-5


def test_what_lies_outside_is_the_mean_colour() -> None:
    x = torch.full((200, 3, 8, 8), 2.0)
    y = torch.zeros(200, dtype=torch.long)
    found, _ = augmentation(resolution=8, **{**OFF, "random_erasing": 1.0})(x, y, seeded())
    assert set(found.unique().tolist()) == {0.0, 2.0}
