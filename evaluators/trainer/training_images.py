"""The training images at the side at which they are stored, so that a random crop of a part still shows real detail."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluators.images.image_set import ImageSet
from evaluators.images.preparing import prepared

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
        self.labels = torch.from_numpy(images.labels[indices]).to(device)
        self._whole: Tensor | None = None
        if len(indices) * images.images[0].nbytes <= resident_bytes:
            self._whole = self._read(indices)

    def __len__(self) -> int:
        return len(self._indices)

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(images (n, channels, side, side), labels (n)) at ``positions`` (on the device); images in channels-last."""
        if self._whole is not None:
            pixels = self._whole[positions]
        else:
            pixels = self._read(self._indices[positions.cpu().numpy()])
        return prepared(pixels, self._set.resolution, *self._set.statistics), self.labels[positions]

    def _read(self, indices: NDArray[np.int64]) -> Tensor:
        """These images as bytes (n, height, width, channels)."""
        return torch.from_numpy(np.ascontiguousarray(self._set.images[indices])).to(self._device)
