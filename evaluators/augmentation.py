"""Images on the device: stored bytes → normalised batches, with random crops, flips and cutout.

Everything works on whole batches with tensors where the network is, and draws from one generator, so a
trial's batches are a function of its seed. A set that fits is resized and normalised once (``Images``);
a larger one is gathered from its file batch by batch.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from evaluators.data import ImageSet
from space.errors import InputError

_RESIDENT_BYTES = 2**30


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
        """A changed copy of a batch (n, channels, height, width); the batch itself where nothing is on."""
        if self.crop:
            x = _shifted(x, self.crop, generator)
        if self.flip:
            mirrored = torch.rand(len(x), generator=generator, device=generator.device) < 0.5
            x = torch.where(mirrored.to(x.device)[:, None, None, None], x.flip(3), x)
        if self.cutout:
            x = x * _holes(x, self.cutout, generator)
        return x


def _shifted(x: Tensor, crop: int, generator: torch.Generator) -> Tensor:
    """Each image shifted by its own whole number of pixels in ±crop, the gap filled with zeros.

    A batch draws at most (2·crop + 1)² different shifts; images of one shift move together, but a gather
    over index grids does all of them in one pass.
    """
    n, _, height, width = x.shape
    shifts = torch.randint(0, 2 * crop + 1, (2, n), generator=generator, device=generator.device).to(x.device)
    padded = F.pad(x, (crop, crop, crop, crop))
    rows = (shifts[0, :, None] + torch.arange(height, device=x.device))[:, :, None]  # n, height, 1
    columns = (shifts[1, :, None] + torch.arange(width, device=x.device))[:, None, :]  # n, 1, width
    images = torch.arange(n, device=x.device)[:, None, None]
    # Advanced indices around the channel axis put it last: n, height, width, channels.
    return padded.permute(0, 2, 3, 1)[images, rows, columns].permute(0, 3, 1, 2)


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


class Images:
    """One split of an image set on a device, resized to ``resolution`` and normalised, ready to be batched.

    Held whole as float32 where that takes less than 1 GiB; otherwise bytes are gathered per batch.
    """

    def __init__(
        self,
        images: ImageSet,
        indices: NDArray[np.int64],
        resolution: int,
        device: torch.device,
        *,
        channels_last: bool = False,
        resident_bytes: int = _RESIDENT_BYTES,
    ) -> None:
        self._set = images
        self._indices = indices
        self._resolution = resolution
        self._device = device
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        mean, std = images.statistics
        self._mean = torch.tensor(mean, device=device)[:, None, None] * 255
        self._std = torch.tensor(std, device=device)[:, None, None].clamp_min(1e-3) * 255
        self.labels = torch.from_numpy(images.labels[indices]).to(device)
        self._whole: Tensor | None = None
        if len(indices) * images.channels * resolution**2 * 4 <= resident_bytes:
            parts = [self._prepared(indices[i : i + 1024]) for i in range(0, len(indices), 1024)]
            self._whole = torch.cat(parts).contiguous(memory_format=self._format)

    def __len__(self) -> int:
        return len(self._indices)

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(images, labels) at ``positions`` (on the device) within the split."""
        if self._whole is not None:
            return self._whole[positions], self.labels[positions]
        x = self._prepared(self._indices[positions.cpu().numpy()])
        return x.contiguous(memory_format=self._format), self.labels[positions]

    def slice(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        """(images, labels) of consecutive positions."""
        if self._whole is not None:
            return self._whole[start:end], self.labels[start:end]
        x = self._prepared(self._indices[start:end])
        return x.contiguous(memory_format=self._format), self.labels[start:end]

    def _prepared(self, indices: NDArray[np.int64]) -> Tensor:
        with warnings.catch_warnings():
            # Arrays shared through the object store are read-only, and torch warns of that; they are copied here.
            warnings.simplefilter("ignore", UserWarning)
            x = torch.from_numpy(np.ascontiguousarray(self._set.images[indices])).to(self._device)
        x = x.permute(0, 3, 1, 2).float()
        side = min(x.shape[2:])
        top, left = (x.shape[2] - side) // 2, (x.shape[3] - side) // 2
        x = x[:, :, top : top + side, left : left + side]
        if side != self._resolution:
            size = (self._resolution, self._resolution)
            x = F.interpolate(
                x, size, mode="bilinear", antialias=self._resolution < side, align_corners=False
            )
        return (x - self._mean) / self._std
