"""A split on the device: stored bytes become normalised batches at the resolution of the training."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluators.images.image_set import ImageSet
from evaluators.images.preparing import prepared

_RESIDENT_BYTES = 2**30


class DeviceImages:
    """One split of an image set on a device, resized to ``resolution`` and normalised, ready to be batched.

    Kept as float32 if that takes at most ``resident_bytes`` (1 GiB); otherwise each batch is prepared when it is asked
    for.
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
        self._mean, self._std = images.statistics
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
        return prepared(x, self._resolution, self._mean, self._std)
