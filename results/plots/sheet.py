"""The paper of a still picture: a figure with room for a title, and axes with round ticks and a unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from results.plots.axes import Axis, limits, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 160


def sheet(width: float, height: float, rows: int = 1) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    head = 0.86 / height
    grid = figure.add_gridspec(
        rows, 1, left=0.78 / width, right=1 - 0.2 / width, bottom=0.62 / height, top=1 - head, hspace=0.14
    )
    return figure, [figure.add_subplot(grid[i, 0]) for i in range(rows)]


def head(figure: Figure, axes: Axes, title: str, subtitle: str) -> None:
    """A title and a quieter line under it, aligned with the left edge of ``axes``."""
    write_head(figure, axes.get_position().x0, title, subtitle)


def write_head(figure: Figure, left: float, title: str, subtitle: str) -> None:
    """A title and a quieter line under it, from ``left`` (a share of the width) on."""
    height = float(figure.get_figheight())
    figure.text(left, 1 - 0.16 / height, title, fontsize=13, fontweight="bold", va="top")
    figure.text(left, 1 - 0.44 / height, subtitle, fontsize=10, va="top", alpha=0.75)


def set_axis(axes: Axes, which: str, of: Axis, values: Any) -> None:
    """Scale, limits with air, round ticks and the label of one axis."""
    finite = values[np.isfinite(values)]
    chosen = axes.xaxis if which == "x" else axes.yaxis
    set_limits = axes.set_xlim if which == "x" else axes.set_ylim
    if of.logarithmic:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    if len(finite):
        low, high = limits(finite, of.logarithmic)
        set_limits(low, high)
        chosen.set_major_locator(FixedLocator(ticks(low, high, of.logarithmic)))
        chosen.set_minor_locator(NullLocator())
        chosen.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    else:
        chosen.set_major_locator(NullLocator())
    (axes.set_xlabel if which == "x" else axes.set_ylabel)(of.label)
