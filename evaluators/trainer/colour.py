"""Changes of colour on batches of pixels (n, channels, height, width) in 0..1, each image by its own strength (n).

They are those of Pillow's ImageEnhance and ImageOps, of which AutoAugment (Cubuk et al. 2019) and its successors are
made. Grey is the luma of three channels (ITU-R 601-2), and the mean of any other number of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)


def brightness(x: Tensor, factor: Tensor) -> Tensor:
    """0 is black, 1 the image itself, 2 twice as bright."""
    return (x * _each(factor)).clamp_(0, 1)


def contrast(x: Tensor, factor: Tensor) -> Tensor:
    """0 is the image's mean grey everywhere, 1 the image itself."""
    return _blended(_grey(x).mean((2, 3), keepdim=True), x, factor)


def colour(x: Tensor, factor: Tensor) -> Tensor:
    """0 is the grey image, 1 the image itself."""
    return _blended(_grey(x), x, factor)


def sharpness(x: Tensor, factor: Tensor) -> Tensor:
    """0 is the image smoothed (weights 1, of the centre 5, over 13; the border stays), 1 the image itself."""
    smooth = x.clone()
    rows = x[:, :, :-2] + x[:, :, 1:-1] + x[:, :, 2:]
    around = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    smooth[:, :, 1:-1, 1:-1] = (around + 4 * x[:, :, 1:-1, 1:-1]) / 13
    return _blended(smooth, x, factor)


def posterize(x: Tensor, bits: Tensor) -> Tensor:
    """Keeps the upper ``bits`` (1 to 8) of each byte."""
    step = _each(2.0 ** (8 - bits))
    return ((x * 255).round() / step).floor() * step / 255


def solarize(x: Tensor, threshold: Tensor) -> Tensor:
    """Inverts the pixels that are ``threshold`` or brighter."""
    return torch.where(x < _each(threshold), x, 1 - x)


def autocontrast(x: Tensor) -> Tensor:
    """Stretches each channel to the whole range from 0 to 1; a channel of one value stays."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    span = high - low
    return torch.where(span > 0, (x - low) / span.clamp_min(1e-6), x)


def equalize(x: Tensor) -> Tensor:
    """Gives the bytes of each channel a histogram as flat as a table of bytes can make it, as ImageOps.equalize does.

    The step is the count of all pixels but those of the brightest value, over 255; a channel where that is 0 stays.
    """
    n, channels = x.shape[:2]
    bytes_ = (x * 255).round().long().flatten(2).flatten(0, 1)  # n·channels, pixels
    rows = torch.arange(len(bytes_), device=x.device)[:, None]
    histogram = torch.bincount((bytes_ + 256 * rows).flatten(), minlength=256 * len(bytes_)).view(-1, 256)
    brightest = histogram.gather(1, bytes_.amax(1, keepdim=True))
    step = (bytes_.shape[1] - brightest) // 255
    below = histogram.cumsum(1) - histogram
    table = torch.where(
        step > 0,
        ((below + step // 2) // step.clamp_min(1)).clamp(max=255),
        torch.arange(256, device=x.device),
    )
    return table.gather(1, bytes_).view(n, channels, *x.shape[2:]).to(x.dtype) / 255


def _each(strength: Tensor) -> Tensor:
    return strength[:, None, None, None]


def _blended(away: Tensor, x: Tensor, factor: Tensor) -> Tensor:
    """``away`` where the factor is 0, the image where it is 1, and the line through both elsewhere."""
    return torch.lerp(away.expand_as(x), x, _each(factor)).clamp_(0, 1)


def _grey(x: Tensor) -> Tensor:
    """(n, 1, height, width)."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    return _LUMA[0] * x[:, 0:1] + _LUMA[1] * x[:, 1:2] + _LUMA[2] * x[:, 2:3]
