"""The picture of ``nascale bench proxies``: rank correlation of each proxy against its seconds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results import theme
from results.plot import save

_FLOOR_SECONDS = 1e-4


def proxy_figure(rows: Sequence[Mapping[str, Any]], *, title: str) -> Any:
    """Spearman with its interval over seconds a network (log scale), one labelled point a proxy.

    ``rows`` are those of ``evaluators.fidelity.report``. Proxies that cost nothing stand at the left edge.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    look = theme.LIGHT
    known = [row for row in rows if row["spearman"] == row["spearman"]]
    with theme.drawn_in(look):
        figure = Figure(figsize=(7.2, 4.4), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        placed: list[tuple[float, float]] = []
        for index, row in enumerate(sorted(known, key=lambda r: -r["spearman"])):
            color = look.series[index % len(look.series)]
            seconds = max(row["seconds"], _FLOOR_SECONDS)
            low, high = row["spearman"] - row["spearman_low"], row["spearman_high"] - row["spearman"]
            axes.errorbar(
                seconds,
                row["spearman"],
                yerr=[[max(0.0, low)], [max(0.0, high)]],
                fmt="o",
                color=color,
                capsize=2,
            )
            lift = 0.0
            while any(abs(lift + row["spearman"] - y) < 0.045 and 0.2 < seconds / x < 5 for x, y in placed):
                lift -= 0.045
            placed.append((seconds, row["spearman"] + lift))
            axes.annotate(
                row["proxy"],
                (seconds, row["spearman"]),
                (seconds * 1.15, row["spearman"] + lift),
                fontsize=8,
                color=color,
                va="center",
            )
        axes.set_xscale("log")
        axes.set_xlabel("seconds a network")
        axes.set_ylabel("Spearman's ρ with the truth (95 % interval)")
        axes.axhline(0, color=look.muted, linewidth=0.8)
        axes.margins(x=0.25)
        axes.set_title(title, loc="left", fontsize=11)
    return figure


def draw(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], *, title: str) -> Path:
    """Writes the picture. Raises InputError for a path that cannot be written."""
    return save(proxy_figure(rows, title=title), path)
