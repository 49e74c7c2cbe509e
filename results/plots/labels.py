"""Labels beside points of a plot, put where they cover the fewest points, lines and other labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from results.plots.placement import Place, arrange

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Label(NamedTuple):
    """A text for the point (x, y) in data units, and matplotlib's options of its style."""

    x: float
    y: float
    text: str
    style: Mapping[str, Any]


def place(axes: Axes, labels: Sequence[Label], points: Any, lines: Sequence[Any] = ()) -> list[Any]:
    """Writes each label near its point, with a leader where it is not right beside it; returns the annotations.

    ``points`` (n, 2) and ``lines`` (of corners (k, 2)), in data units, are what the text should not cover; see ``arrange``.
    """
    inch = axes.figure.dpi

    def in_points(data: Any) -> Any:
        return axes.transData.transform(np.asarray(data, dtype=float).reshape(-1, 2)) * 72 / inch

    owners = in_points([(label.x, label.y) for label in labels])
    sizes = [_size(axes, label) for label in labels]
    frame = np.array(axes.get_window_extent().extents) * 72 / inch
    places = arrange(owners, sizes, in_points(points), [in_points(line) for line in lines], frame.tolist())
    return [_write(axes, label, at) for label, at in zip(labels, places, strict=True)]


def _size(axes: Axes, label: Label) -> Any:
    """Width and height of the text, in points."""
    note = axes.annotate(label.text, (label.x, label.y), **label.style)
    size = np.array(note.get_window_extent().size) * 72 / axes.figure.dpi
    note.remove()
    return size


def _write(axes: Axes, label: Label, at: Place) -> Any:
    """The label at its place: aligned so that it keeps the distance, with a leader of its own colour where it has one."""
    leader = {"arrowstyle": "-", "color": label.style.get("color"), "lw": 0.7, "shrinkA": 1, "shrinkB": 6}
    return axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(at.right * at.distance, at.up * at.distance),
        textcoords="offset points",
        ha={1: "left", 0: "center", -1: "right"}[int(at.right)],
        va="bottom" if at.up > 1 else "top" if at.up < -1 else "center",
        arrowprops=None if at.leader is None else leader,
        zorder=9,
        **label.style,
    )
