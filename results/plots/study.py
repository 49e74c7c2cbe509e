"""Still pictures of a study: the front among its trials, and how the search got there.

Each function takes a frame of trials (``results.frame.trials``) and returns a matplotlib Figure made without
pyplot, so that nothing is kept alive and nothing needs a display.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from results import pareto
from results.columns import column_name
from results.front import eligible, points_of
from results.plots import labels, theme
from results.plots.axes import Axis, axis, limits, ticks
from results.plots.decisions import importance_figure, parallel_figure
from results.plots.view import View
from space.errors import UnknownNameError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 160


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
        figure, (axes,) = _sheet(8.0, 5.2)
        _draw_front(axes, view, look, color)
        _head(figure, axes, view.title, view.subtitle)
        return figure


def progress_figure(
    frame: pd.DataFrame, *, x: str | None = None, y: str | None = None, look: theme.Theme = theme.LIGHT
) -> Figure:
    """The best value so far and the hypervolume of the front, against finished trials."""
    view = View.of(frame, x, y)
    with theme.drawn_in(look):
        figure, (above, below) = _sheet(8.0, 6.4, rows=2)
        _draw_best(above, view, look)
        _draw_hypervolume(below, view, look)
        above.tick_params(labelbottom=False)
        above.set_xlabel("")
        _head(figure, above, f"{view.name}: progress of the search", view.subtitle)
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
        figure = Figure(figsize=(11.5, 5.4), dpi=_DPI)
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
        _draw_front(main, view, look, color)
        _draw_best(above, view, look)
        _draw_hypervolume(below, view, look)
        above.tick_params(labelbottom=False)
        above.set_xlabel("")
        _head(figure, main, view.title, view.subtitle)
        return figure


def _sheet(width: float, height: float, rows: int = 1) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(width, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    head = 0.86 / height
    grid = figure.add_gridspec(
        rows, 1, left=0.78 / width, right=1 - 0.2 / width, bottom=0.62 / height, top=1 - head, hspace=0.14
    )
    return figure, [figure.add_subplot(grid[i, 0]) for i in range(rows)]


def _head(figure: Figure, axes: Axes, title: str, subtitle: str) -> None:
    """A title and a quieter line under it, aligned with the left edge of ``axes``."""
    left = axes.get_position().x0
    height = float(figure.get_figheight())
    figure.text(left, 1 - 0.16 / height, title, fontsize=13, fontweight="bold", va="top")
    figure.text(left, 1 - 0.44 / height, subtitle, fontsize=10, va="top", alpha=0.75)


def _axis(axes: Axes, which: str, of: Axis, values: Any) -> None:
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


def _draw_front(axes: Axes, view: View, look: theme.Theme, color: str | None) -> None:
    points = view.points(view.frame)
    seen = np.isfinite(points).all(axis=1)
    counted = eligible(view.frame) & seen
    # A pruned trial's accuracy is of fewer epochs; it sets no limits of the picture.
    inside = points[counted] if counted.any() else points[seen]
    _axis(axes, "x", view.x, inside[:, 0])
    _axis(axes, "y", view.y, inside[:, 1])
    others = points[seen & ~counted]
    bottom, top = sorted(axes.get_ylim())
    if ((others[:, 1] >= bottom) & (others[:, 1] <= top)).any():
        axes.scatter(
            others[:, 0],
            others[:, 1],
            marker="x",
            s=16,
            lw=0.8,
            color=look.muted,
            alpha=0.6,
            label="pruned or over budget",
        )
    _dots(axes, view, points, counted, look, color)
    stairs = view.staircase()
    members = view.points(view.front)
    if len(members):
        axes.plot(*stairs.T, color=look.front, lw=1.8, zorder=5, solid_joinstyle="miter")
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=38,
            color=look.front,
            edgecolor=look.paper,
            lw=1.0,
            zorder=6,
            label="Pareto front",
        )
        _label_front(axes, view, members, points[seen], stairs, look)
    else:
        note = "no finished trial yet"
        axes.text(0.5, 0.5, note, transform=axes.transAxes, ha="center", color=look.muted, fontsize=11)
    handles, names = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, names, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(handles), borderaxespad=0.2,
                    handletextpad=0.3, columnspacing=1.2)  # fmt: skip


def _dots(axes: Axes, view: View, points: Any, counted: Any, look: theme.Theme, color: str | None) -> None:
    """The finished trials, coloured by order or by a column."""
    style: dict[str, Any] = {"s": 20, "alpha": 0.85, "lw": 0, "zorder": 3}
    column = view.frame[color] if color else view.frame["number"]
    if len(view.frame) > 2000:
        style |= {"s": 6, "alpha": 0.5, "rasterized": True}
    if color and not pd.api.types.is_numeric_dtype(column.dtype):
        texts = column.astype("object").where(column.notna(), "none").astype(str)
        names = list(texts[counted].value_counts().index)
        for index, name in enumerate(names):
            chosen = counted & (texts == name).to_numpy()
            shade = look.series[index] if index < len(look.series) else look.dot
            axes.scatter(points[chosen, 0], points[chosen, 1], color=shade, label=f"{name}", **style)
        return
    values = column.to_numpy(dtype="float64", na_value=np.nan)[counted]
    shades = LinearSegmentedColormap.from_list("order", look.order)
    drawn = axes.scatter(points[counted, 0], points[counted, 1], c=values, cmap=shades, **style)
    if len(values) and np.nanmax(values) > np.nanmin(values):
        _key(axes, drawn, axis(color or "number", values), values, look)


def _key(axes: Axes, drawn: Any, of: Axis, values: Any, look: theme.Theme) -> None:
    """A small colour key above the legend, right of the title."""
    inset = axes.inset_axes((0.80, 1.115, 0.18, 0.016))
    bar = axes.figure.colorbar(drawn, cax=inset, orientation="horizontal")
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    bar.set_ticks([low, high], labels=[f"{low / of.scale:g}", f"{high / of.scale:g}"])
    bar.outline.set_visible(False)
    assert bar.solids is not None
    bar.solids.set_alpha(1)
    inset.tick_params(length=0, labelsize=8, pad=2)
    inset.set_title(of.label, fontsize=8, pad=3, color=look.ink)
    inset.grid(False)


def _label_front(axes: Axes, view: View, members: Any, points: Any, stairs: Any, look: theme.Theme) -> None:
    """Names the best and the knee of the front: trial, value, cost."""
    best = 0
    knee = pareto.knee(members, view.directions)
    numbers = view.front["number"].tolist()
    raw = points_of(view.front, [view.x.column, view.y.column])
    wanted = [(best, "best")] + ([(knee, "knee")] if knee not in (None, best) else [])
    texts = [
        (
            *members[row],
            f"{word}: trial {numbers[row]}\n{view.y.text(raw[row, 1])}, {view.x.text(raw[row, 0])}"
            f"{' ' + view.x.title if view.x.title.isupper() or view.x.title == 'MACs' else ''}",
        )
        for row, word in wanted
        if row is not None
    ]
    named = members[[row for row, _ in wanted]]
    axes.scatter(
        named[:, 0],
        named[:, 1],
        s=110,
        facecolor="none",
        edgecolor=look.front,
        lw=1.3,
        zorder=7,
    )
    obstacles = np.vstack([points, _along(stairs)])
    labels.place(axes, texts, obstacles, fontsize=9.5, color=look.ink, linespacing=1.25)


def _along(stairs: Any) -> Any:
    """Points along the line, so that a label is kept off it."""
    if len(stairs) < 2:
        return stairs
    steps = np.linspace(0, 1, 20)[:, None, None]
    return (stairs[:-1] * (1 - steps) + stairs[1:] * steps).reshape(-1, 2)


def _draw_best(axes: Axes, view: View, look: theme.Theme) -> None:
    """Each trial's value and the best so far, in order of number."""
    numbers, values, best = view.best_so_far()
    size = 12 if len(values) <= 2000 else 4
    axes.scatter(numbers, values, s=size, color=look.dot, alpha=0.7, lw=0, rasterized=len(values) > 2000)
    axes.step(numbers, best, where="post", color=look.front, lw=1.8)
    _axis(axes, "y", view.y, values)
    axes.set_xlabel("Trials")
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    if len(best):
        axes.set_title(f"best so far: {view.y.text(best[-1] * view.y.scale)}", loc="left", fontsize=9.5)


def _draw_hypervolume(axes: Axes, view: View, look: theme.Theme) -> None:
    """The hypervolume of the front after each trial, as a share of where it ended."""
    numbers, shares = view.hypervolume_so_far()
    axes.set_xlabel("Trials")
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Hypervolume (% of final)")
    if np.isnan(shares).all():
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.step(numbers, shares, where="post", color=look.knee, lw=1.8)
    axes.set_ylim(0, 105)
    axes.set_title(f"hypervolume (reference {view.reference_text})", loc="left", fontsize=9.5)
