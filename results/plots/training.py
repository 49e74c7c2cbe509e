"""The picture of a training: losses and accuracies by epoch, from the rows of its ``metrics.csv``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from results.plots import theme
from results.plots.picture import save
from results.plots.sheet import head, sheet
from results.training_curves import ACCURACIES, LOSSES, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_DOTS = 30


def training_figure(rows: Sequence[Row], *, title: str, kept: Mapping[str, Any] | None = None) -> Any:
    """Losses above, validation accuracies in % below; the kept weights (``epoch`` and ``accuracy``) are marked."""
    look = theme.LIGHT
    subtitle = f"{len(rows)} epochs"
    if kept is not None:
        subtitle += f", kept: epoch {kept['epoch']}, validation accuracy {100 * kept['accuracy']:.1f} %"
    with theme.drawn_in(look):
        figure, (losses, accuracies) = sheet(7.6, 6.0, rows=2)
        head(figure, losses, title, subtitle)
        colors = (look.muted, look.knee, look.front)
        _lines(losses, rows, LOSSES, colors)
        _lines(accuracies, rows, ACCURACIES, colors[1:], 100.0)
        losses.set_ylabel("loss, nats")
        losses.tick_params(labelbottom=False)
        accuracies.set_ylabel("validation accuracy, %")
        accuracies.set_xlabel("epoch")
        for axes in (losses, accuracies):
            axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
            axes.legend()
        if kept is not None:
            accuracies.plot(
                kept["epoch"], 100 * kept["accuracy"], "o", ms=8, mfc="none", mec=look.ink, mew=1.2
            )
    return figure


def _lines(
    axes: Axes, rows: Sequence[Row], names: Mapping[str, str], colors: Sequence[str], factor: float = 1.0
) -> None:
    """One line for each column of ``names`` that has values."""
    epochs = np.array([row["epoch"] for row in rows], dtype=float)
    for (column, label), color in zip(names.items(), colors, strict=True):
        values = [row[column] for row in rows]
        if any(value is not None for value in values):
            scaled = factor * np.array(values, dtype=float)
            axes.plot(
                epochs,
                scaled,
                color=color,
                lw=1.6,
                label=label,
                marker="." if len(rows) <= _MOST_DOTS else "",
            )


def draw(
    rows: Sequence[Row], path: str | os.PathLike[str], *, title: str, kept: Mapping[str, Any] | None = None
) -> Path:
    """Writes the picture, whole or not at all. Raises InputError (``--plot``)."""
    return save(training_figure(rows, title=title, kept=kept), path, "--plot")
