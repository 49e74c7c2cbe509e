"""The picture of ``nascale bench proxies``: rank correlation of each proxy against its seconds."""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results.plots import theme
from results.plots.picture import save

_FREE_SECONDS = 1e-3
"""What costs less is drawn here: nobody waits for it."""
_WIDTH, _PLOT, _LINE = 7.2, 3.6, 0.17
_TOP, _BOTTOM, _LEFT, _RIGHT = 0.45, 0.62, 0.75, 0.25
"""Inches: the figure's width, the height of the plot and of a line of the key, and the margins."""
_KEY_COLUMNS = 92
_CORNERS = ((6, 4), (-13, -12), (6, -12), (-13, 4))
"""Where numbers go beside their points, in points."""


def proxy_figure(rows: Sequence[Mapping[str, Any]], *, title: str) -> Any:
    """Spearman with its interval over seconds a network (log scale): numbered points, and a key below them.

    ``rows`` are those of ``evaluators.rank_correlation.correlation_row``. A dashed line is the best of what is free.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    look = theme.LIGHT
    known = sorted((row for row in rows if row["spearman"] == row["spearman"]), key=lambda r: -r["spearman"])
    key = [_entry(row) for row in known]
    height = _TOP + _PLOT + _BOTTOM + _LINE * (sum(map(len, key)) + 1)
    with theme.drawn_in(look):
        figure = Figure(figsize=(_WIDTH, height), dpi=150)
        FigureCanvasAgg(figure)
        axes = figure.add_axes(
            (
                _LEFT / _WIDTH,
                1 - (_TOP + _PLOT) / height,
                1 - (_LEFT + _RIGHT) / _WIDTH,
                _PLOT / height,
            )
        )
        free = [row["spearman"] for row in known if row["seconds"] < _FREE_SECONDS]
        if free:
            axes.axhline(max(free), color=look.muted, linewidth=0.9, linestyle=(0, (4, 3)))
        place = height - _TOP - _PLOT - _BOTTOM
        for number, (row, lines) in enumerate(zip(known, key, strict=True), start=1):
            color = look.series[(number - 1) % len(look.series)]
            _point(axes, row, str(number), color, _corner(row, known[: number - 1]))
            for i, line in enumerate(lines):
                place -= _LINE
                if i == 0:
                    figure.text(
                        0.3 / _WIDTH, place / height, str(number), color=color, fontsize=8, ha="right"
                    )
                figure.text(0.4 / _WIDTH, place / height, line, color=color, fontsize=8)
        axes.set_xscale("log")
        axes.set_xlabel("seconds a network")
        axes.set_ylabel("Spearman's ρ with the truth, 95 % interval")
        axes.axhline(0, color=look.muted, linewidth=0.8)
        axes.margins(x=0.12)
        axes.set_title(title, loc="left", fontsize=11)
    return figure


def _corner(row: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Where a point's number goes, in points: each of several points in one place has a corner of its own."""
    near = [
        other
        for other in others
        if abs(other["spearman"] - row["spearman"]) < 0.06
        and abs(math.log10(max(other["seconds"], _FREE_SECONDS) / max(row["seconds"], _FREE_SECONDS))) < 0.15
    ]
    return _CORNERS[len(near) % len(_CORNERS)]


def _point(axes: Any, row: Mapping[str, Any], label: str, color: str, corner: tuple[float, float]) -> None:
    value = row["spearman"]
    seconds = max(row["seconds"], _FREE_SECONDS)
    around = [[max(0.0, value - row["spearman_low"])], [max(0.0, row["spearman_high"] - value)]]
    axes.errorbar(seconds, value, yerr=around, fmt="o", color=color, capsize=2, linewidth=1.2, markersize=5)
    axes.annotate(
        label, (seconds, value), corner, textcoords="offset points", fontsize=9, color=color, weight="bold"
    )


def _entry(row: Mapping[str, Any]) -> list[str]:
    """A proxy in the key: its name in as many lines as it takes, its correlation, its cost."""
    cost = "free" if row["seconds"] < _FREE_SECONDS else f"{row['seconds']:.2g} s"
    figures = f"ρ {row['spearman']:.2f}, {cost}".replace(" ", "\N{NO-BREAK SPACE}")
    told = f"{row['proxy'].replace(',', ', ')}   {figures}"
    return textwrap.wrap(told, _KEY_COLUMNS, break_long_words=True) or [""]


def draw(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], *, title: str) -> Path:
    """Writes the picture. Raises InputError for a path that cannot be written."""
    return save(proxy_figure(rows, title=title), path, "--plot")
