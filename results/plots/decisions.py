"""Pictures of decisions: which mattered, and which options the good networks share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from results.columns import DECISION, column_name, direction_of
from results.front import eligible, front_axes
from results.importance import check_target, importance
from results.plots import theme
from results.plots.axes import axis, lowered, title

_DPI = 160
_BARS = 15
_COORDINATES = 9


def importance_figure(
    frame: pd.DataFrame, *, y: str | None = None, look: theme.Theme = theme.LIGHT
) -> Figure:
    """The decisions that explain most of the variance of ``y``, as bars with the option that does best."""
    target = front_axes(frame, None, y)[0]
    check_target(frame, target)
    table = importance(frame, target).head(_BARS)
    scaled = axis(target, frame[target].dropna())
    with theme.drawn_in(look):
        height = 1.5 + 0.3 * len(table)
        figure = Figure(figsize=(8.0, height), dpi=_DPI)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.30, 0.56 / height, 0.40, 1 - 1.34 / height))
        places = np.arange(len(table))
        shares = table["importance"].to_numpy() * 100
        real = (table["importance"] > table["noise"]).to_numpy()
        axes.barh(places, shares, height=0.62, color=np.where(real, look.knee, look.dot).tolist())
        axes.set_yticks(places, table["decision"].tolist())
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0, max(1.0, float(shares.max()) * 1.12))
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"Variance of {lowered(title(target))} explained (%)")
        rows = zip(places.tolist(), shares, table["best"], table["effect"], strict=True)
        for place, share, best, effect in rows:
            if best is not None and share > 0:
                text = f"best: {best}  (+{_difference(scaled, effect)})"
                axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
        _head(
            figure,
            f"{frame.attrs.get('study', 'study')}: decisions that mattered",
            f"{_finished(frame, target)} · grey: no more than chance",
        )
        return figure


def parallel_figure(frame: pd.DataFrame, *, y: str | None = None, look: theme.Theme = theme.LIGHT) -> Figure:
    """Parallel coordinates of the most important decisions: one line per trial, the best ones in colour.

    A trial in which a decision was not active passes through the row marked "–".
    """
    target = front_axes(frame, None, y)[0]
    check_target(frame, target)
    order = importance(frame, target).head(_COORDINATES)["decision"]
    columns = [column_name(frame, DECISION + name, "decision") for name in order]
    rows = frame[eligible(frame) & frame[target].notna().to_numpy()]
    scaled = axis(target, rows[target])
    values = rows[target].to_numpy(dtype="float64")
    with theme.drawn_in(look):
        figure = Figure(figsize=(12.0, 5.6), dpi=_DPI)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.02, 0.16, 0.92, 0.70))
        axes.set_axis_off()
        heights = [_heights(rows[c]) for c in columns]
        low, high = float(values.min()), float(values.max())
        last = (values - low) / ((high - low) or 1.0)
        ys = np.column_stack([*(h[0] for h in heights), last])
        _lines(axes, ys, values, direction_of(frame, target) == "maximize", look)
        for index, (column, (_, names)) in enumerate(zip(columns, heights, strict=True)):
            _coordinate(axes, index, title(column), [(p, n) for n, p in names.items()], look)
        ends = [(0.0, scaled.text(low)), (1.0, scaled.text(high))]
        _coordinate(axes, len(columns), scaled.title, ends, look)
        axes.set_xlim(-0.35, len(columns) + 0.35)
        axes.set_ylim(-0.06, 1.06)
        _head(
            figure,
            f"{frame.attrs.get('study', 'study')}: decisions of the trials",
            f"{_finished(frame, target)} · the best tenth in orange",
        )
        return figure


def _lines(axes: Any, ys: Any, values: Any, maximal: bool, look: theme.Theme) -> None:
    """One line per trial, shifted a little where lines share a row; the best tenth on top, in the front's colour."""
    spread = np.random.default_rng(0).uniform(-0.018, 0.018, size=(len(ys), ys.shape[1] - 1))
    ys = ys.copy()
    ys[:, :-1] += spread
    xs = np.arange(ys.shape[1], dtype=float)
    rank = np.argsort(np.argsort(-values if maximal else values))
    best = rank < max(1, round(0.1 * len(values)))
    shades = LinearSegmentedColormap.from_list("order", look.order)
    merit = 1 - rank / max(1, len(values) - 1)
    for chosen, width, alpha in ((~best, 0.7, 0.35), (best, 1.6, 0.9)):
        segments = [np.column_stack([xs, row]) for row in ys[chosen]]
        colors = [look.front] * len(segments) if width > 1 else shades(merit[chosen])
        axes.add_collection(LineCollection(segments, colors=colors, linewidths=width, alpha=alpha))


def _coordinate(axes: Any, x: float, name: str, marks: list[tuple[float, str]], look: theme.Theme) -> None:
    axes.plot([x, x], [0, 1], color=look.ink, lw=0.9, zorder=4)
    patch = {"boxstyle": "round,pad=0.15", "facecolor": look.paper, "edgecolor": "none", "alpha": 0.85}
    for place, text in marks:
        axes.text(x + 0.04, place, text, fontsize=8.5, va="center", zorder=6, bbox=patch, color=look.ink)
    stage, _, setting = name.partition(".")
    shown = f"{stage}\n{setting.replace('.', chr(10))}" if setting else name.replace(" ", "\n", 1)
    axes.text(x, -0.075, shown, fontsize=8.5, ha="center", va="top", color=look.ink, linespacing=1.3)


def _heights(column: pd.Series) -> tuple[Any, dict[str, float]]:
    """Where on its coordinate each trial passes, and where each option stands; "–" is not active."""
    present = column.notna().to_numpy(dtype=bool)
    chosen = list(dict.fromkeys(column[present].sort_values().tolist()))
    if pd.api.types.is_numeric_dtype(column.dtype) and len(chosen) > 8:
        return _continuous(column, present)
    names = ([] if present.all() else ["–"]) + [_option(v) for v in chosen]
    places = {name: (i + 0.5) / len(names) for i, name in enumerate(names)}
    texts = [_option(v) if here else "–" for v, here in zip(column.tolist(), present, strict=True)]
    return np.array([places[t] for t in texts]), places


def _continuous(column: pd.Series, present: Any) -> tuple[Any, dict[str, float]]:
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    base = 0.0 if present.all() else 0.12
    heights = np.where(present, base + (1 - base) * (values - low) / (high - low), 0.0)
    names = {f"{low:.3g}": base, f"{high:.3g}": 1.0}
    return heights, names if present.all() else {"–": 0.0, **names}


def _option(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _finished(frame: pd.DataFrame, target: str) -> str:
    return f"{int((eligible(frame) & frame[target].notna().to_numpy()).sum())} finished trials"


def _difference(scaled: Any, effect: float) -> str:
    text = scaled.text(effect)
    return f"{text[:-1]}points" if text.endswith("%") else text


def _head(figure: Figure, text: str, caption: str) -> None:
    height = float(figure.get_figheight())
    left = 0.2 / float(figure.get_figwidth())
    figure.text(left, 1 - 0.16 / height, text, fontsize=12.5, fontweight="bold", va="top")
    figure.text(left, 1 - 0.44 / height, caption, fontsize=9, va="top", alpha=0.75)
