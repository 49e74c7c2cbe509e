"""How a search got there, drawn into one pair of axes: the best value so far, or the hypervolume so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from results.plots import theme
from results.plots.sheet import set_axis
from results.plots.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_SIZE = 8.5
"""In points; the panels beside a front are too low for the names of their axes in the size of its own."""


def draw_best(axes: Axes, view: View, look: theme.Theme) -> None:
    """Each trial's value and the best so far, in order of number."""
    numbers, values, best = view.best_so_far()
    size = 12 if len(values) <= 2000 else 4
    axes.scatter(numbers, values, s=size, color=look.dot, alpha=0.7, lw=0, rasterized=len(values) > 2000)
    axes.step(numbers, best, where="post", color=look.front, lw=1.8)
    set_axis(axes, "y", view.y, values)
    axes.yaxis.label.set_fontsize(LABEL_SIZE)
    axes.set_xlabel("Trials")
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    if len(best):
        axes.set_title(f"best so far: {view.y.text(best[-1] * view.y.scale)}", loc="left", fontsize=9.5)


def draw_hypervolume(axes: Axes, view: View, look: theme.Theme) -> None:
    """The hypervolume of the front after each trial, as a share of where it ended."""
    numbers, shares = view.hypervolume_so_far()
    axes.set_xlabel("Trials")
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Hypervolume (% of final)", fontsize=LABEL_SIZE)
    if np.isnan(shares).all():
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.step(numbers, shares, where="post", color=look.knee, lw=1.8)
    axes.set_ylim(0, 105)
    axes.set_title(f"hypervolume (reference {view.reference_text})", loc="left", fontsize=9.5)
