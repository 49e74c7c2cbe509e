"""The picture of ``nascale bench samplers``: regret by evaluation, a line and a band for each sampler."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.plots import theme
from results.plots.picture import save

_SMALLEST = 1e-3
"""A regret below is drawn here, for the axis is logarithmic."""
_AXIS = {"points": "points of accuracy"}
_APART = 0.045
"""Least distance of two labels, as a share of the axis."""


def regret_figure(
    regrets: Mapping[str, NDArray[np.float64]],
    *,
    title: str,
    subtitle: str,
    noise: float | None = None,
    unit: str = "points",
) -> Any:
    """Mean regret, with a band of one standard error; every line is named at its end.

    ``regrets`` are arrays of shape (repeats, evaluations), in ``unit``: points of accuracy, or the loss. A dotted line is
    what one seed's noise amounts to; None where it is not known.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    look = theme.LIGHT
    with theme.drawn_in(look):
        figure = Figure(figsize=(7.6, 4.6), dpi=150)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.105, 0.125, 0.745, 0.725))
        axes.set_yscale("log")
        ends = []
        for index, (name, own) in enumerate(regrets.items()):
            color = look.series[index % len(look.series)]
            middle, n = own.mean(axis=0), np.arange(1, own.shape[1] + 1)
            error = own.std(axis=0, ddof=1) / np.sqrt(len(own)) if len(own) > 1 else np.zeros_like(middle)
            low, high = (np.maximum(edge, _SMALLEST) for edge in (middle - error, middle + error))
            axes.plot(n, np.maximum(middle, _SMALLEST), color=color, linewidth=1.8)
            axes.fill_between(n, low, high, color=color, alpha=0.18, linewidth=0)
            ends.append((float(max(middle[-1], _SMALLEST)), name, color))
        if noise:
            axes.axhline(noise, color=look.muted, linestyle=":", linewidth=1)
            ends.append((noise, "noise of a seed", look.muted))
        axes.margins(x=0)
        axes.set(xlabel="evaluations", ylabel=f"regret, {_AXIS.get(unit, unit)}")
        _name_ends(axes, ends)
        figure.text(0.02, 0.945, title, fontsize=11.5)
        figure.text(0.02, 0.895, subtitle, fontsize=8.5, color=look.muted)
    return figure


def _name_ends(axes: Any, ends: list[tuple[float, str, str]]) -> None:
    """Names beside the right edge, in the order of the lines, moved apart where these come close."""
    place = axes.transData + axes.transAxes.inverted()
    heights = sorted((float(place.transform((1, value))[1]), name, color) for value, name, color in ends)
    lowest = -1.0
    for height, name, color in heights:
        lowest = max(height, lowest + _APART)
        axes.text(1.01, lowest, name, color=color, fontsize=9, va="center", transform=axes.transAxes)


def draw(
    regrets: Mapping[str, NDArray[np.float64]],
    path: str | os.PathLike[str],
    *,
    title: str,
    subtitle: str,
    noise: float | None = None,
    unit: str = "points",
) -> Path:
    """Writes the picture. Raises InputError for a path that cannot be written."""
    figure = regret_figure(regrets, title=title, subtitle=subtitle, noise=noise, unit=unit)
    return save(figure, path, "--picture")
