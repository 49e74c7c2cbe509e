"""Changes of colour, against Pillow's on the same bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from evaluators.trainer import colour

RNG = np.random.default_rng(0)
DARK = (RNG.random((3, 12, 15, 3)) ** 3 * 180 + 20).astype(
    np.uint8
)  # of uneven brightness, not the whole range
FLAT = np.full((1, 12, 15, 3), 77, np.uint8)
FEW = RNG.choice(np.array([10, 60, 200], np.uint8), (1, 12, 15, 3))
BYTES = np.concatenate([DARK, FLAT, FEW])


def pixels(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def bytes_of(x: Tensor) -> np.ndarray:
    return np.asarray((x * 255).round().byte().permute(0, 2, 3, 1).numpy())


def pillow(change: Callable[[Image.Image, float], Image.Image], strengths: list[float]) -> np.ndarray:
    return np.stack(
        [np.asarray(change(Image.fromarray(i), s)) for i, s in zip(BYTES, strengths, strict=True)]
    )


def apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


FACTORS = [0.0, 0.35, 1.0, 1.4, 1.99]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (colour.brightness, ImageEnhance.Brightness),
        (colour.contrast, ImageEnhance.Contrast),
        (colour.colour, ImageEnhance.Color),
        (colour.sharpness, ImageEnhance.Sharpness),
    ],
)
def test_blends_are_those_of_pillow(
    ours: Callable[[Tensor, Tensor], Tensor], theirs: Callable[[Image.Image], ImageEnhance._Enhance]
) -> None:
    wanted = pillow(lambda image, factor: theirs(image).enhance(factor), FACTORS)
    # Pillow rounds the grey or smooth image to bytes before it blends, which a factor of 1.99 doubles.
    assert apart(bytes_of(ours(pixels(BYTES), torch.tensor(FACTORS))), wanted) <= 2
    same = ours(pixels(BYTES), torch.ones(5))
    torch.testing.assert_close(same, pixels(BYTES))


def test_posterize_and_solarize_are_those_of_pillow() -> None:
    bits = [1, 3, 5, 8, 4]
    wanted = pillow(lambda image, b: ImageOps.posterize(image, int(b)), [float(b) for b in bits])
    assert apart(bytes_of(colour.posterize(pixels(BYTES), torch.tensor(bits))), wanted) == 0
    thresholds = [0, 40, 77, 200, 256]
    wanted = pillow(lambda image, t: ImageOps.solarize(image, int(t)), [float(t) for t in thresholds])
    found = colour.solarize(pixels(BYTES), torch.tensor(thresholds) / 255)
    assert apart(bytes_of(found), wanted) == 0


def test_autocontrast_and_equalize_are_those_of_pillow() -> None:
    wanted = pillow(lambda image, _: ImageOps.autocontrast(image), FACTORS)
    assert apart(bytes_of(colour.autocontrast(pixels(BYTES))), wanted) <= 1  # Pillow cuts where this rounds
    assert (
        apart(bytes_of(colour.equalize(pixels(BYTES))), pillow(lambda i, _: ImageOps.equalize(i), FACTORS))
        == 0
    )


def test_equalize_of_a_large_image_is_that_of_pillow() -> None:
    image = (RNG.random((64, 64, 3)) ** 2 * 255).astype(np.uint8)
    wanted = np.asarray(ImageOps.equalize(Image.fromarray(image)))
    assert apart(bytes_of(colour.equalize(pixels(image[None])))[0], wanted) == 0
    assert apart(wanted, image) > 50


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_number_of_channels(channels: int) -> None:
    x = torch.rand(4, channels, 6, 7)
    half = torch.full((4,), 0.5)
    for change in (colour.brightness, colour.contrast, colour.sharpness, colour.solarize):
        found = change(x, half)
        assert found.shape == x.shape and float(found.min()) >= 0 and float(found.max()) <= 1
    grey = colour.contrast(x, torch.zeros(4))
    torch.testing.assert_close(grey, x.mean((1, 2, 3), keepdim=True).expand_as(x))
    assert colour.equalize(x).shape == colour.autocontrast(x).shape == x.shape
