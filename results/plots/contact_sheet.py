"""Mistakes on one sheet: each image with its true class, the predicted one, and how sure the network was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from results.plots import theme
from results.plots.sheet import DPI, write_head
from results.shortening import shortened

_COLUMNS, _IMAGE, _GAP, _TEXT = 5, 1.45, 0.22, 0.42
_HEAD, _MARGIN = 0.8, 0.25
"""Inches, but for the number of columns."""
_LETTERS = 22
_COARSE = 64
"""Images of fewer pixels are drawn with their pixels as squares, as the network sees them."""


@dataclass(frozen=True, eq=False)
class Shown:
    """An image, uint8 (height, width, channels), with its true class, the predicted one and the confidence in 0..1."""

    image: NDArray[np.uint8]
    truth: str
    predicted: str
    confidence: float


def contact_sheet(shown: Sequence[Shown], *, title: str, look: theme.Theme = theme.LIGHT) -> Figure:
    """The images in rows of five, in their order; with none it says so."""
    rows = max(1, -(-len(shown) // _COLUMNS))
    width = 2 * _MARGIN + _COLUMNS * _IMAGE + (_COLUMNS - 1) * _GAP
    height = _HEAD + rows * (_IMAGE + _TEXT + _GAP) + _MARGIN - _GAP
    with theme.drawn_in(look):
        figure = Figure(figsize=(width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        for place, one in enumerate(shown):
            row, column = divmod(place, _COLUMNS)
            left = _MARGIN + column * (_IMAGE + _GAP)
            top = height - _HEAD - row * (_IMAGE + _TEXT + _GAP)
            box = (left / width, (top - _IMAGE) / height, _IMAGE / width, _IMAGE / height)
            axes = figure.add_axes(box)
            _draw(axes, one.image)
            for text, color, down in (
                (f"is {shortened(one.truth, _LETTERS - 3)}", look.ink, 0.06),
                (f"→ {shortened(one.predicted, _LETTERS - 8)}, {one.confidence:.0%}", look.front, 0.24),
            ):
                figure.text(
                    left / width, (top - _IMAGE - down) / height, text, fontsize=8.5, va="top", color=color
                )
        told = "the true class, → what was predicted, and with which confidence" if shown else "none"
        write_head(figure, _MARGIN / width, title, told)
    return figure


def _draw(axes: Any, image: NDArray[np.uint8]) -> None:
    grey = image.shape[2] == 1
    axes.imshow(
        image[:, :, 0] if grey else image,
        cmap="gray" if grey else None,
        vmin=0,
        vmax=255,
        interpolation="nearest" if min(image.shape[:2]) < _COARSE else "antialiased",
    )
    axes.set_axis_off()
