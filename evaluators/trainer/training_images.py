"""The training images at the side at which they are stored, so that a random crop of a part still shows real detail."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluators.images.image_set import ImageSet
from evaluators.images.preparing import SMALLEST_STD

_RESIDENT_BYTES = 2**31


class TrainingImages:
    """Images of a set as batches on a device: their largest centred square, normalised, at the stored side.

    Kept as bytes on the device if that takes at most ``resident_bytes`` (2 GiB); otherwise each batch is read from the
    set when it is asked for.
    """

    def __init__(
        self,
        images: ImageSet,
        indices: NDArray[np.int64],
        device: torch.device,
        *,
        resident_bytes: int = _RESIDENT_BYTES,
    ) -> None:
        self._set, self._indices, self._device = images, indices, device
        mean, std = images.statistics
        factor = 1 / torch.tensor(std, device=device).clamp_min(SMALLEST_STD)
        self._factor = (factor / 255).repeat(images.resolution)
        self._shift = (-torch.tensor(mean, device=device) * factor).repeat(images.resolution)
        self.labels = torch.from_numpy(images.labels[indices]).to(device)
        self._rows: Tensor | None = None
        self._whole: Tensor | None = None
        if len(indices) * images.images[0].nbytes <= resident_bytes:
            self._whole = self._read(indices)

    def __len__(self) -> int:
        return len(self._indices)

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(images (n, channels, side, side), labels (n)) at ``positions`` (on the device); images in channels-last.

        The images are overwritten by the next batch: to ask for new memory each time would cost more than to fill it.
        """
        if self._whole is not None:
            pixels = self._whole.index_select(0, positions)
        else:
            pixels = self._read(self._indices[positions.cpu().numpy()])
        n, side, _, channels = pixels.shape
        if self._rows is None or len(self._rows) != n * side:
            self._rows = torch.empty(n * side, side * channels, device=self._device)
        # By rows of pixels: with a factor for each channel, torch's loops would be as short as a pixel, and ten times
        # slower.
        rows = self._rows.copy_(pixels.view(n * side, side * channels))
        x = torch.addcmul(self._shift, rows, self._factor, out=rows).view(n, side, side, channels)
        return x.permute(0, 3, 1, 2), self.labels[positions]

    def _read(self, indices: NDArray[np.int64]) -> Tensor:
        """The centred squares of these images as bytes (n, side, side, channels)."""
        height, width = self._set.images.shape[1:3]
        side = self._set.resolution
        top, left = (height - side) // 2, (width - side) // 2
        pixels = self._set.images[indices][:, top : top + side, left : left + side]
        return torch.from_numpy(np.ascontiguousarray(pixels)).to(self._device)
