"""Where an image is looked at: random crops, shears, shifts and turns as affine maps, and one resampling for them all.

A map (3×3, homogeneous) takes a place in the new image to the place in the old one whose colour it gets. Both are
measured from −1 to 1 between the outer edges of the image, x to the right and y down. Maps multiply: a crop and a turn
of the crop cost one resampling, which blurs once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")


def uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform numbers in [0, 1), on the generator's device."""
    return torch.rand(shape, generator=generator, device=generator.device)


def rectangles(
    n: int, smallest: float, largest: float, ratio: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(heights, widths) of n random rectangles, as shares of the side of a square that holds each of them.

    Their area is uniform between the shares ``smallest`` and ``largest``; width over height is log-uniform between
    1/``ratio`` and ``ratio``, or the narrower range in which a rectangle of that area fits. Szegedy et al. 2015 draw
    again until one fits, which makes large ones rarer.
    """
    u = uniform((2, n), generator)
    area = smallest + (largest - smallest) * u[0]
    bound = (-area.log()).clamp(max=math.log(ratio))
    half = (2 * u[1] - 1) * bound / 2
    side = area.sqrt()
    return (side * (-half).exp()).clamp(max=1.0), (side * half.exp()).clamp(max=1.0)


def crops(n: int, smallest: float, generator: torch.Generator) -> Tensor:
    """Maps (n, 3, 3) of random resized crops: area in [``smallest``, 1], width over height in [3/4, 4/3], anywhere."""
    height, width = rectangles(n, smallest, 1.0, 4 / 3, generator)
    place = 2 * uniform((2, n), generator) - 1
    maps = torch.eye(3, device=generator.device).repeat(n, 1, 1)
    maps[:, 0, 0], maps[:, 0, 2] = width, place[0] * (1 - width)
    maps[:, 1, 1], maps[:, 1, 2] = height, place[1] * (1 - height)
    return maps


def mirrored(maps: Tensor, generator: torch.Generator) -> Tensor:
    """The maps with left and right exchanged in half of the images, at random."""
    side = 1 - 2 * (uniform((len(maps),), generator) < 0.5).to(maps.dtype)
    return torch.cat([maps[:, :, :1] * side[:, None, None], maps[:, :, 1:]], dim=2)


def moves(amounts: Mapping[str, Tensor]) -> Tensor:
    """Maps (n, 3, 3) of images of which each is moved in at most one way, by ``amounts`` (n) of each of MOVES.

    Shears are by that much per length, around the centre; shifts are shares of the side, to the left and up; turns are
    in radians, counter-clockwise. An image whose amounts are all zero stays where it is.
    """
    angle = amounts["rotate"]
    maps = torch.eye(3, device=angle.device).repeat(len(angle), 1, 1)
    maps[:, 0, 0] = maps[:, 1, 1] = angle.cos()
    maps[:, 0, 1] = amounts["shear_x"] - angle.sin()
    maps[:, 1, 0] = amounts["shear_y"] + angle.sin()
    maps[:, 0, 2] = 2 * amounts["translate_x"]
    maps[:, 1, 2] = 2 * amounts["translate_y"]
    return maps


def resampled(x: Tensor, maps: Tensor, side: int) -> Tensor:
    """Square images (n, channels, side, side) of ``x`` seen through ``maps`` (n, 3, 3); what lies outside is zero.

    Each new pixel is interpolated between four old ones. That takes every old pixel into account down to half the size
    (there it is the mean of 2×2), and would leave some out below: so images of more than twice the side are halved
    first, by means of 2×2, until they are not.
    """
    while min(x.shape[2:]) > 2 * side:
        x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
    reach = (maps[:, :2, :2].abs().sum(2) + maps[:, :2, 2].abs()).amax(1)
    beyond = (reach > 1 + 1e-5).nonzero()[:, 0].to(x.device)
    grid = _grid(maps.to(x.device, x.dtype), side)
    # The edge pixels go on outside, so that those of a crop at the border are not mixed with zeros.
    seen = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if len(beyond):
        outside = (grid[beyond].abs() > 1).any(3)
        seen[beyond] = seen[beyond].masked_fill_(outside[:, None], 0.0)
    return seen


def _grid(maps: Tensor, side: int) -> Tensor:
    """The place in the old image of each new pixel's centre: (n, side, side, 2) as (right, down).

    ``affine_grid`` computes the same as a product of matrices, which takes as long as the sampling.
    """
    centres = (2 * torch.arange(side, device=maps.device, dtype=maps.dtype) + 1) / side - 1
    across = maps[:, None, :2, 0] * centres[:, None] + maps[:, None, :2, 2]  # n, width, 2
    down = maps[:, None, :2, 1] * centres[:, None]  # n, height, 2
    return across[:, None] + down[:, :, None]


def resized(x: Tensor, side: int) -> Tensor:
    """Images (n, channels, side, side) of the whole of ``x``, as ``DeviceImages`` makes them."""
    if tuple(x.shape[2:]) == (side, side):
        return x
    smaller = min(x.shape[2:]) > side
    return F.interpolate(x, (side, side), mode="bilinear", antialias=smaller, align_corners=False)
