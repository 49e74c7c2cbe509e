"""Random erasing: some images of a batch lose a rectangle (Zhong et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from evaluators.trainer.geometry import rectangles, uniform

SMALLEST, LARGEST, RATIO = 0.02, 1 / 3, 3.3  # area, area, longer over shorter side: Zhong et al. 2020, §4.1


def erased(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """A copy of ``x`` (n, channels, height, width) in which each image has lost a rectangle with ``probability``.

    What is lost becomes zero: in normalised images, the mean colour.
    """
    n, _, height, width = x.shape
    heights, widths = rectangles(n, SMALLEST, LARGEST, RATIO, generator)
    u = uniform((3, n), generator)
    chosen = u[0] < probability
    rows = _spans(heights * height, height, u[1]) & chosen[:, None]
    columns = _spans(widths * width, width, u[2])
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None].to(x.device), 0.0)


def _spans(lengths: Tensor, side: int, place: Tensor) -> Tensor:
    """Which of ``side`` pixels lie in a span of ``lengths`` (n), rounded, that starts anywhere it fits: (n, side)."""
    whole = lengths.round().clamp(1, side)
    start = (place * (side - whole + 1)).floor()[:, None]
    pixel = torch.arange(side, device=lengths.device)
    return (pixel >= start) & (pixel < start + whole[:, None])
