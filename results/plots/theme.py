"""The look of every picture: colours that differ for colour-blind eyes too, in a light and a dark set.

The categorical colours follow Okabe & Ito (2008), darkened or lightened until each has a contrast of at
least 3 to 1 with its background. Orange is the front's alone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #rrggbb. ``series`` are categorical, ``order`` runs from the first trial to the last."""

    paper: str
    ink: str
    muted: str
    grid: str
    dot: str
    front: str
    knee: str
    series: tuple[str, ...]
    order: tuple[str, ...]


LIGHT = Theme(
    paper="#ffffff",
    ink="#1b1f24",
    muted="#5d6673",
    grid="#e6e9ed",
    dot="#8fa3b8",
    front="#c2410c",
    knee="#0f6fb0",
    series=("#0f6fb0", "#087f5b", "#a8478a", "#7a6a00", "#5b52a3", "#3d7f86", "#4d5761", "#8a5a44"),
    order=("#cfdbe8", "#9dbad8", "#6394c2", "#33699f", "#173f6b"),
)
DARK = Theme(
    paper="#12161c",
    ink="#e8ebef",
    muted="#9aa5b1",
    grid="#2a313a",
    dot="#66788c",
    front="#ff8a50",
    knee="#5cb3f2",
    series=("#5cb3f2", "#3fbf97", "#dd8ac4", "#d6c54a", "#a79df0", "#6cc5cf", "#aab4be", "#cfa58d"),
    order=("#2c3e52", "#3d6185", "#5689b8", "#86b6de", "#c9e2f7"),
)


def drawn_in(theme: Theme) -> AbstractContextManager[None]:
    """Figures made inside the context have the look of ``theme``."""
    from matplotlib import rc_context

    return rc_context(settings(theme))


def settings(theme: Theme = LIGHT) -> Any:
    """Matplotlib's settings for ``theme``."""
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 10.5,
        "axes.titlesize": 11.5,
        "axes.labelsize": 10.5,
        "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.muted,
        "axes.facecolor": theme.paper,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": theme.grid,
        "grid.linewidth": 0.8,
        "figure.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "text.color": theme.ink,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "xtick.labelsize": 9.5,
        "ytick.labelsize": 9.5,
        "legend.frameon": False,
        "legend.fontsize": 9.5,
        "svg.fonttype": "none",
    }
