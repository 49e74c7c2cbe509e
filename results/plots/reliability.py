"""The reliability diagram: how often a network is right, against how sure it is (Guo et al. 2017, figure 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from results.calibration import BINS, Calibration
from results.plots import theme
from results.plots.sheet import DPI, write_head

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT = 8.0, 4.6


def reliability_figure(
    panels: Sequence[tuple[str, Calibration]], *, title: str, look: theme.Theme = theme.LIGHT
) -> Figure:
    """One panel for each (name, calibration): the share that is right in each bin of confidence, and images in it."""
    with theme.drawn_in(look):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=DPI)
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(
            2, len(panels), left=0.09, right=0.98, bottom=0.12, top=1 - 1.15 / _HEIGHT,
            height_ratios=(3, 1), hspace=0.14, wspace=0.14,
        )  # fmt: skip
        for column, (name, calibration) in enumerate(panels):
            upper = figure.add_subplot(grid[0, column])
            lower = figure.add_subplot(grid[1, column], sharex=upper)
            _draw(upper, lower, calibration, look)
            upper.set_title(f"{name}: error {calibration.error:.3f}", loc="left")
            if column == 0:
                upper.set_ylabel("share that is right")
                lower.set_ylabel("images")
        told = "on the dashed line a confidence means what it says; error is the mean distance from it"
        write_head(figure, 0.09, title, told)
    return figure


def _draw(upper: Axes, lower: Axes, calibration: Calibration, look: theme.Theme) -> None:
    middles = (np.arange(BINS) + 0.5) / BINS
    full = calibration.counts > 0
    upper.bar(middles[full], calibration.right[full], width=0.9 / BINS, color=look.dot)
    upper.plot([0, 1], [0, 1], color=look.muted, linewidth=0.9, linestyle=(0, (4, 3)))
    upper.plot(calibration.confidence[full], calibration.right[full], "o", color=look.knee, markersize=4)
    upper.set_xlim(0, 1)
    upper.set_ylim(0, 1)
    upper.tick_params(labelbottom=False)
    lower.bar(middles, calibration.counts, width=0.9 / BINS, color=look.muted)
    lower.set_xlabel("confidence")
