"""Still pictures of a study: the front among its trials, and how the search got there.

Each function takes a frame of trials (``results.frame.trials``) and returns a matplotlib Figure made without
pyplot, so that nothing is kept alive and nothing needs a display.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from results.columns import column_name
from results.plots import theme
from results.plots.decisions import importance_figure, parallel_figure
from results.plots.front import draw_front
from results.plots.progress import draw_best, draw_hypervolume
from results.plots.sheet import DPI, head, sheet
from results.plots.view import View
from space.errors import UnknownNameError


def draw(
    frame: pd.DataFrame,
    kind: str = "overview",
    *,
    x: str | None = None,
    y: str | None = None,
    color: str | None = None,
    look: theme.Theme = theme.LIGHT,
) -> Figure:
    """The picture called ``kind``: overview, front, progress, parallel or importance.

    Raises InputError where the study has nothing of the kind to show, UnknownNameError for an unknown column.
    """
    if color is not None:
        color = column_name(frame, color, "--color")
    match kind:
        case "overview":
            return overview_figure(frame, x=x, y=y, color=color, look=look)
        case "front":
            return front_figure(frame, x=x, y=y, color=color, look=look)
        case "progress":
            return progress_figure(frame, x=x, y=y, look=look)
        case "parallel":
            return parallel_figure(frame, y=y, look=look)
        case "importance":
            return importance_figure(frame, y=y, look=look)
        case _:
            raise UnknownNameError(
                "--kind", kind, ("overview", "front", "progress", "parallel", "importance")
            )


def front_figure(
    frame: pd.DataFrame,
    *,
    x: str | None = None,
    y: str | None = None,
    color: str | None = None,
    look: theme.Theme = theme.LIGHT,
) -> Figure:
    """All trials as dots and the front as a step line, the best and the knee labelled.

    Dots are coloured by the order of the trials, or by the column ``color``.
    """
    view = View.of(frame, x, y)
    with theme.drawn_in(look):
        figure, (axes,) = sheet(8.0, 5.2)
        draw_front(axes, view, look, color)
        head(figure, axes, view.title, view.subtitle)
        return figure


def progress_figure(
    frame: pd.DataFrame, *, x: str | None = None, y: str | None = None, look: theme.Theme = theme.LIGHT
) -> Figure:
    """The best value so far and the hypervolume of the front, against finished trials."""
    view = View.of(frame, x, y)
    with theme.drawn_in(look):
        figure, (above, below) = sheet(8.0, 6.4, rows=2)
        draw_best(above, view, look)
        draw_hypervolume(below, view, look)
        above.tick_params(labelbottom=False)
        above.set_xlabel("")
        head(figure, above, f"{view.name}: progress of the search", view.subtitle)
        return figure


def overview_figure(
    frame: pd.DataFrame,
    *,
    x: str | None = None,
    y: str | None = None,
    color: str | None = None,
    look: theme.Theme = theme.LIGHT,
) -> Figure:
    """The front, large, with the progress of the search beside it."""
    view = View.of(frame, x, y)
    with theme.drawn_in(look):
        figure = Figure(figsize=(11.5, 5.4), dpi=DPI)
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(
            2,
            2,
            width_ratios=(2.1, 1),
            left=0.065,
            right=0.985,
            bottom=0.105,
            top=0.83,
            wspace=0.17,
            hspace=0.2,
        )
        main = figure.add_subplot(grid[:, 0])
        above = figure.add_subplot(grid[0, 1])
        below = figure.add_subplot(grid[1, 1], sharex=above)
        draw_front(main, view, look, color)
        draw_best(above, view, look)
        draw_hypervolume(below, view, look)
        above.tick_params(labelbottom=False)
        above.set_xlabel("")
        head(figure, main, view.title, view.subtitle)
        return figure
