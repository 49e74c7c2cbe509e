"""The picture of ``nascale bench spaces``: the share of random networks below each error, a line and a band for each space."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from results.error_distribution import ErrorDistribution
from results.intervals import LEVEL
from results.plots import theme
from results.plots.picture import save
from results.plots.sheet import head, sheet


def distribution_figure(spaces: Mapping[str, ErrorDistribution], *, title: str, subtitle: str = "") -> Any:
    """Empirical distribution functions with their bands; the median of each space is marked."""
    look = theme.LIGHT
    with theme.drawn_in(look):
        figure, (axes,) = sheet(8.0, 5.0)
        for index, (name, found) in enumerate(spaces.items()):
            color = look.series[index % len(look.series)]
            errors = 100 * np.concatenate([found.errors[:1], found.errors])
            shares = np.arange(len(errors)) / len(found.errors)
            band = found.band()
            axes.step(
                errors, shares, where="post", color=color, lw=1.8, label=f"{name} ({len(found.errors)})"
            )
            axes.fill_between(
                errors,
                np.clip(shares - band, 0, 1),
                np.clip(shares + band, 0, 1),
                step="post",
                color=color,
                alpha=0.12,
                lw=0,
            )
            axes.plot([100 * found.quartiles[1]], [0.5], "o", color=color, ms=6, mec=look.paper)
        axes.set(xlabel="validation error (%)", ylabel="share of networks below", ylim=(0, 1))
        axes.legend(loc="lower right")
        head(figure, axes, title, subtitle or f"bands hold the whole line with probability {LEVEL:g}")
    return figure


def draw(
    spaces: Mapping[str, ErrorDistribution], path: str | os.PathLike[str], *, title: str, subtitle: str = ""
) -> Path:
    """Writes the picture. Raises InputError for a path that cannot be written."""
    return save(distribution_figure(spaces, title=title, subtitle=subtitle), path, "--plot")
