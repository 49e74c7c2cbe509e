"""The front among its trials, drawn into one pair of axes: dots, the step line, and the names of its best and knee."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap

from results.front import eligible, points_of
from results.plots import labels, theme
from results.plots.axes import Axis, axis
from results.plots.sheet import set_axis
from results.plots.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_front(axes: Axes, view: View, look: theme.Theme, color: str | None) -> None:
    points = view.points(view.frame)
    seen = np.isfinite(points).all(axis=1)
    counted = eligible(view.frame) & seen
    # A pruned trial's accuracy is of fewer epochs; it sets no limits of the picture.
    stock = view.stock
    crosses = view.points(stock)
    inside = np.vstack([points[counted], crosses]) if counted.any() else points[seen]
    set_axis(axes, "x", view.x, inside[:, 0])
    members = view.points(view.front)
    errors = view.errors(view.front)
    heights = inside[:, 1]
    if errors is not None:
        ends = np.concatenate([members[:, 1] - errors, members[:, 1] + errors])
        heights = np.concatenate([heights, ends[np.isfinite(ends)]])
    set_axis(axes, "y", view.y, heights)
    others = points[seen & ~counted & ~view.frame.index.isin(stock.index)]
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
    if len(stock):
        axes.scatter(
            crosses[:, 0],
            crosses[:, 1],
            marker="X",
            s=42,
            lw=0.6,
            color=look.knee,
            edgecolor=look.paper,
            zorder=5.2,
            label="stock networks",
        )
    stairs = view.staircase()
    if errors is not None:
        bars: dict[str, Any] = {
            "fmt": "none",
            "ecolor": look.front,
            "elinewidth": 1.0,
            "capsize": 2.5,
            "zorder": 5.5,
        }
        axes.errorbar(members[:, 0], members[:, 1], yerr=errors, label="standard error", **bars)
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
        _label_front(axes, view, points[seen], members, [stairs, *_bars(members, errors)], look)
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


def _label_front(
    axes: Axes, view: View, points: Any, members: Any, lines: Sequence[Any], look: theme.Theme
) -> None:
    """Names the best and the knee of the front: trial, value, cost; and the stock networks. Names keep off all that is drawn."""
    numbers = view.front["number"].tolist()
    raw = points_of(view.front, [view.x.column, view.y.column])
    named = {row: word for row, word in view.named_members().items() if word != "cheapest"}
    front_style = {"fontsize": 9.5, "color": look.ink, "linespacing": 1.25}
    texts = [
        labels.Label(
            members[row, 0],
            members[row, 1],
            f"{word}: trial {numbers[row]}\n{view.y.text(raw[row, 1])}, {view.x.text(raw[row, 0])}"
            f"{' ' + view.x.title if view.x.title.isupper() or view.x.title == 'MACs' else ''}",
            front_style,
        )
        for row, word in named.items()
    ]
    rings = members[list(named)]
    axes.scatter(rings[:, 0], rings[:, 1], s=110, facecolor="none", edgecolor=look.front, lw=1.3, zorder=7)
    stock_style = {"fontsize": 7, "color": look.knee}
    crosses = view.points(view.stock).tolist()
    texts += [
        labels.Label(x, y, name, stock_style)
        for (x, y), name in zip(crosses, view.stock_names(), strict=True)
    ]
    labels.place(axes, texts, points, lines)


def _bars(members: Any, errors: Any) -> list[Any]:
    """The bars of the standard errors, of each member that has one."""
    if errors is None:
        return []
    return [
        [(x, y - error), (x, y + error)]
        for (x, y), error in zip(members.tolist(), errors.tolist(), strict=True)
        if np.isfinite(error)
    ]
