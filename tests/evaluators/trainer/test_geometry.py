"""Random crops and changes of place, against Pillow, torch and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evaluators.trainer.geometry import (
    MOVES,
    crops,
    mirrored,
    moves,
    rectangles,
    resampled,
    resized,
)

EYE = torch.eye(3).repeat(3, 1, 1)
X = torch.rand(3, 2, 16, 16, generator=torch.Generator().manual_seed(0))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def move(**amounts: float) -> torch.Tensor:
    return moves({name: torch.full((3,), amounts.get(name, 0.0)) for name in MOVES})


def test_the_whole_image_is_a_plain_resize() -> None:
    torch.testing.assert_close(resampled(X, EYE, 16), X)
    for side in (8, 11, 24, 40):
        wanted = F.interpolate(X, (side, side), mode="bilinear", align_corners=False)
        torch.testing.assert_close(resampled(X, EYE, side), wanted, atol=1e-5, rtol=1e-5)
    # Below half of the side: the mean of all pixels, none left out.
    torch.testing.assert_close(resampled(X, EYE, 4), F.avg_pool2d(X, 4))
    torch.testing.assert_close(resampled(X, EYE, 2), F.avg_pool2d(X, 8))


def test_a_crop_is_the_resize_of_a_part() -> None:
    part = X[:, :, 4:12, 8:16]  # half of the side; its centre half a unit right of the middle
    maps = torch.tensor([[0.5, 0, 0.5], [0, 0.5, 0], [0, 0, 1]]).repeat(3, 1, 1)
    torch.testing.assert_close(resampled(X, maps, 8), part, atol=1e-5, rtol=1e-5)
    found = resampled(X, maps, 16)[:, :, 1:-1, 1:-1]  # at the border, the crop may look outside of the part
    wanted = F.interpolate(part, (16, 16), mode="bilinear", align_corners=False)[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@given(
    smallest=st.floats(0.01, 0.99), ratio=st.floats(1, 4), n=st.integers(1, 40), seed=st.integers(0, 2**31)
)
@settings(max_examples=50, deadline=None)
def test_rectangles_have_the_areas_and_fit(smallest: float, ratio: float, n: int, seed: int) -> None:
    heights, widths = rectangles(n, smallest, 1.0, ratio, seeded(seed))
    area, form = heights * widths, widths / heights
    assert bool(((area >= smallest - 1e-5) & (area <= 1 + 1e-5)).all())
    assert bool(((form <= ratio + 1e-4) & (form >= 1 / ratio - 1e-4)).all())
    assert bool(((heights <= 1) & (widths <= 1)).all())
    maps = crops(n, smallest, seeded(seed))
    edges = maps @ torch.tensor([[-1.0, 1.0], [-1.0, 1.0], [1.0, 1.0]])
    assert float(edges[:, :2].abs().max()) <= 1 + 1e-5  # no crop looks outside of its image


def test_crops_are_spread_over_areas_forms_and_places() -> None:
    maps = crops(4000, 0.2, seeded())
    area = maps[:, 0, 0] * maps[:, 1, 1]
    assert float(area.mean()) == pytest.approx(0.6, abs=0.01)  # uniform in [0.2, 1]
    assert float((maps[:, 0, 0] / maps[:, 1, 1]).log().mean()) == pytest.approx(0, abs=0.02)
    assert float(maps[:, 0, 2].mean()) == pytest.approx(0, abs=0.02)
    assert float(maps[:, 0, 2].std()) > 0.1


def test_half_of_the_images_are_mirrored() -> None:
    x = torch.arange(100 * 36.0).reshape(100, 1, 6, 6)
    found = resampled(x, mirrored(torch.eye(3).repeat(100, 1, 1), seeded()), 6)
    flipped = [torch.allclose(a, b.flip(2), atol=0.01) for a, b in zip(found, x, strict=True)]
    assert all(f or torch.allclose(a, b, atol=0.01) for f, a, b in zip(flipped, found, x, strict=True))
    assert 30 < sum(flipped) < 70


def test_no_amount_is_the_identity() -> None:
    assert torch.equal(move(), EYE)


@pytest.mark.parametrize("degrees", [30.0, -75.0, 90.0, 135.0])
def test_turns_are_those_of_pillow(degrees: float) -> None:
    image = (np.random.default_rng(0).random((33, 33)) * 255).astype(np.float32)
    turned = Image.fromarray(image).rotate(degrees, resample=Image.Resampling.BILINEAR)
    x = torch.from_numpy(image)[None, None].repeat(3, 1, 1, 1)
    found = resampled(x, move(rotate=math.radians(degrees)), 33)[0, 0].numpy()
    y, x_ = np.mgrid[-16:17, -16:17]
    inside = y**2 + x_**2 < 15**2  # beyond, Pillow's treatment of the border is another
    np.testing.assert_allclose(found[inside], np.asarray(turned)[inside], atol=0.05)


@pytest.mark.parametrize("amount", [0.25, -0.5])
def test_shifts_and_shears_are_those_of_pillow(amount: float) -> None:
    image = (np.random.default_rng(0).random((17, 17)) * 255).astype(np.float32)
    x = torch.from_numpy(image)[None, None].repeat(3, 1, 1, 1)

    def pillow(*affine: float) -> np.ndarray:
        picture = Image.fromarray(image)
        return np.asarray(
            picture.transform((17, 17), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        )

    inner = (slice(2, -2), slice(2, -2))
    centre = 8.5  # shears leave the centre where it is
    for maps, affine in (
        (move(shear_x=amount), (1, amount, -amount * centre, 0, 1, 0)),
        (move(shear_y=amount), (1, 0, 0, amount, 1, -amount * centre)),
        (move(translate_x=amount), (1, 0, amount * 17, 0, 1, 0)),
        (move(translate_y=amount), (1, 0, 0, 0, 1, amount * 17)),
    ):
        wanted = pillow(*affine)
        found = resampled(x, maps, 17)[0, 0].numpy()
        seen = (wanted[inner] != 0) & (found[inner] != 0)
        assert seen.mean() > 0.4
        close = np.isclose(found[inner][seen], wanted[inner][seen], atol=0.05)
        assert close.mean() > 0.85  # but for the pixels at the border of the old image


def test_resizing_is_that_of_the_images_on_the_device() -> None:
    assert resized(X, 16) is X
    wanted = F.interpolate(X, (7, 7), mode="bilinear", antialias=True, align_corners=False)
    assert torch.equal(resized(X, 7), wanted)
