"""From stored bytes to what a network sees: the one place where images are cropped, resized and normalised."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST_STD = 1e-3
"""Standard deviations below this count as this: a channel that is the same everywhere is not blown up."""


def prepared(images: Tensor, resolution: int, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """``images``, uint8 (n, height, width, c), as normalised float32 (n, c, resolution, resolution) on their device.

    The largest centred square is resized (bilinear, antialiased where that makes it smaller); ``mean`` is subtracted
    and the rest divided by ``std``, both (c) on a scale of 0 to 1.
    """
    x = images.permute(0, 3, 1, 2).float()
    side = min(x.shape[2:])
    top, left = (x.shape[2] - side) // 2, (x.shape[3] - side) // 2
    x = x[:, :, top : top + side, left : left + side]
    if side != resolution:
        size = (resolution, resolution)
        x = F.interpolate(x, size, mode="bilinear", antialias=resolution < side, align_corners=False)
    middle = torch.tensor(mean, device=x.device)[:, None, None] * 255
    spread = torch.tensor(std, device=x.device)[:, None, None].clamp_min(SMALLEST_STD) * 255
    return (x - middle) / spread
