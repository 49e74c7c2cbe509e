"""The picture of a confusion matrix: true classes down, predicted ones across, from two classes to hundreds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from results.plots import theme
from results.plots.sheet import DPI, write_head
from results.shortening import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEAD, _MARGIN, _LABEL, _BAR = 0.8, 0.2, 0.3, 0.95
"""Inches: above the matrix, around the picture, for "true class", and right of the matrix for the colours."""
_CELLS = ((12, 0.52, 10.0), (30, 0.34, 8.0), (60, 0.2, 7.5), (10**9, 0.13, 6.0))
"""Up to so many classes: the side of a cell in inches, and the size of letters in points."""
_COUNTED = 0.3
"""Cells of at least this side hold their number."""
_SMALLEST = 1.6
_TITLE = 0.125
"""The smallest side of the matrix, and what a letter of the title takes, in inches."""
_LETTERS, _LETTER = 24, 0.62
"""The longest name, and the width of a letter as a share of its size, generously."""


def confusion_figure(
    confusion: NDArray[np.int64], names: Sequence[str], *, title: str, look: theme.Theme = theme.LIGHT
) -> Figure:
    """``confusion`` (k, k) counts images by true (row) and predicted class (column).

    A colour is a share of its row, so that small classes can be compared with large ones. Counts are written where
    there is room for them.
    """
    k = len(names)
    side, letters = next((side, letters) for most, side, letters in _CELLS if k <= most)
    side = max(side, _SMALLEST / k)
    shown = [shortened(name, _LETTERS) for name in names]
    beside = _MARGIN + _LABEL + max(map(len, shown)) * letters * _LETTER / 72 + 0.1
    width = max(beside + k * side + _BAR, 2 * _MARGIN + len(title) * _TITLE)
    height = _HEAD + k * side + beside
    totals = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    with theme.drawn_in(look):
        figure = Figure(figsize=(width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        box = (beside / width, beside / height, k * side / width, k * side / height)
        axes = figure.add_axes(box)
        colors = LinearSegmentedColormap.from_list("share", [look.paper, *look.order])
        image = axes.imshow(shares, cmap=colors, vmin=0, vmax=1)
        _name_axes(axes, shown, letters)
        if side >= _COUNTED:
            _write_counts(axes, confusion, shares, look)
        bar = figure.add_axes((box[0] + box[2] + 0.18 / width, box[1], 0.12 / width, box[3]))
        figure.colorbar(image, cax=bar)
        bar.grid(visible=False)
        bar.tick_params(labelsize=8.5, length=2)
        bar.set_ylabel("share of the true class", fontsize=8.5)
        summary = f"{confusion.sum():,} images, {np.trace(confusion):,} right"
        write_head(figure, _MARGIN / width, title, summary)
    return figure


def _name_axes(axes: Axes, names: Sequence[str], letters: float) -> None:
    """The classes along both sides, and thin lines between the cells."""
    places = np.arange(len(names))
    axes.set_xticks(places, names, rotation=90, fontsize=letters)
    axes.set_yticks(places, names, fontsize=letters)
    axes.tick_params(length=0, pad=3)
    axes.set_xticks(places[1:] - 0.5, minor=True)
    axes.set_yticks(places[1:] - 0.5, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(visible=False)
    axes.grid(which="minor", linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")


def _write_counts(
    axes: Axes, confusion: NDArray[np.int64], shares: NDArray[np.float64], look: theme.Theme
) -> None:
    for i, j in zip(*np.nonzero(confusion), strict=True):
        count = int(confusion[i, j])
        text = str(count) if count < 10_000 else f"{count / 1000:.0f}K"
        color = look.paper if shares[i, j] > 0.55 else look.ink
        axes.text(j, i, text, ha="center", va="center", fontsize=9.5 if len(text) < 4 else 7.5, color=color)
