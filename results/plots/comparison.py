"""The picture of several searches: best value and hypervolume, against trials and evaluation time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from results.comparison import Comparison
from results.plots import theme
from results.plots.axes import axis
from space.errors import InputError

_DPI = 160


def comparison_figure(comparison: Comparison, look: theme.Theme = theme.LIGHT) -> Figure:
    """Four panels that share their rows and columns; one colour per study. Raises InputError for over eight."""
    if len(comparison.traces) > len(look.series):
        raise InputError.of(
            "STUDY", f"at most {len(look.series)} studies in one picture", len(comparison.traces)
        )
    clock = axis("seconds", [t.seconds[-1] for t in comparison.traces if len(t.seconds)])
    with theme.drawn_in(look):
        figure = Figure(figsize=(10.5, 6.4), dpi=_DPI)
        FigureCanvasAgg(figure)
        grid: Any = figure.subplots(
            2, 2, sharex="col", sharey="row", gridspec_kw={
                "left": 0.075, "right": 0.985, "bottom": 0.085, "top": 0.83, "wspace": 0.06, "hspace": 0.1,
            },
        )  # fmt: skip
        for trace, color in zip(comparison.traces, look.series, strict=False):
            trials = np.arange(1, len(trace.best) + 1)
            rows = ((trace.best / comparison.y.scale), trace.hypervolume * 100)
            for row, values in enumerate(rows):
                for column, along in enumerate((trials, trace.seconds / clock.scale)):
                    grid[row][column].step(
                        along, values, where="post", color=color, lw=1.8, label=trace.study
                    )
        grid[0][0].set_ylabel(f"Best {comparison.y.label[0].lower()}{comparison.y.label[1:]}")
        grid[1][0].set_ylabel("Hypervolume (% of the box)")
        grid[1][0].set_xlabel("Finished trials")
        grid[1][1].set_xlabel(clock.label)
        grid[1][0].set_ylim(0, None)
        handles, names = grid[0][0].get_legend_handles_labels()
        height = float(figure.get_figheight())
        figure.text(0.075, 1 - 0.16 / height, "Searches compared", fontsize=12.5, fontweight="bold", va="top")
        caption = f"reference of the hypervolume: {comparison.reference_text}"
        figure.text(0.075, 1 - 0.44 / height, caption, fontsize=9, va="top", alpha=0.75)
        figure.legend(
            handles,
            names,
            loc="upper left",
            bbox_to_anchor=(0.067, 1 - 0.6 / height),
            ncols=min(4, len(names)),
        )
    return figure
