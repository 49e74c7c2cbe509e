"""Random changes of training images: shifts, flips and cutout, on whole batches where the network is.

They draw from one generator, so a trial's batches are a function of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from space.errors import InputError


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images, in pixels of the images that the network sees.

    ``crop`` shifts by up to that many pixels, zero-padded after normalisation (He et al. 2016, §4.2);
    ``flip`` mirrors left and right half of the time; ``cutout`` zeroes a square of that side whose centre
    is anywhere (DeVries & Taylor 2017). Zero, in normalised images, is the mean colour.
    """

    crop: int = 0
    flip: bool = False
    cutout: int = 0

    def __post_init__(self) -> None:
        for name in ("crop", "cutout"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 0:
                raise InputError.of(name, "pixels, 0 or more", value)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """A changed copy of a batch (n, channels, height, width); the batch itself if nothing is switched on."""
        if self.crop:
            x = _shifted(x, self.crop, generator)
        if self.flip:
            mirrored = torch.rand(len(x), generator=generator, device=generator.device) < 0.5
            x = torch.where(mirrored.to(x.device)[:, None, None, None], x.flip(3), x)
        if self.cutout:
            x = x * _holes(x, self.cutout, generator)
        return x


def _shifted(x: Tensor, crop: int, generator: torch.Generator) -> Tensor:
    """Each image shifted by its own whole number of pixels in ±crop, the gap filled with zeros."""
    n, _, height, width = x.shape
    rows, columns = torch.randint(0, 2 * crop + 1, (2, n), generator=generator, device=generator.device).to(
        x.device
    )
    padded = F.pad(x, (crop, crop, crop, crop)).permute(0, 2, 3, 1)
    # All windows of the padded images as a view: n, rows, columns, height, width, channels. To take one for each image
    # copies whole windows, where a gather over grids of pixels would look up each of them.
    windows = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
    return windows[torch.arange(n, device=x.device), rows, columns].permute(0, 3, 1, 2)


def _holes(x: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """1 everywhere, 0 in a square of ``side`` around a uniform centre, cut at the border: (n, 1, height, width)."""
    n, _, height, width = x.shape
    centre = torch.rand((2, n), generator=generator, device=generator.device).to(x.device)
    top = (centre[0] * height).long()[:, None] - side // 2
    left = (centre[1] * width).long()[:, None] - side // 2
    rows = torch.arange(height, device=x.device)
    columns = torch.arange(width, device=x.device)
    inside = ((rows >= top) & (rows < top + side))[:, :, None] & (
        (columns >= left) & (columns < left + side)
    )[:, None]
    return (~inside)[:, None].to(x.dtype)
