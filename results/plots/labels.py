"""Labels beside points, put where they cover the fewest points, lines and other labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Directions around the point in order of preference, each tried at three distances (in points).
_DIRECTIONS: tuple[tuple[float, float], ...] = (
    (1, 0.6),
    (1, -0.8),
    (-1, 0.6),
    (-1, -0.8),
    (0, 1.2),
    (0, -1.4),
    (1, 1.6),
    (-1, 1.6),
    (1, -1.8),
    (-1, -1.8),
)
_DISTANCES = (10.0, 24.0, 42.0)
_NEAR = 4.0
"""Pixels from a line to the middle of a point that it crosses."""


def place(
    axes: Axes,
    labels: Sequence[tuple[float, float, str]],
    obstacles: Any,
    beside: Sequence[Any] = (),
    **style: Any,
) -> list[Any]:
    """Writes each ``(x, y, text)`` near its point with a leader line; returns the annotations.

    ``obstacles`` are points (n × 2, data units) that the text should not cover, ``beside`` annotations that were placed
    before. Labels stay inside the axes.
    """
    points = axes.transData.transform(np.asarray(obstacles, dtype=float).reshape(-1, 2))
    frame = axes.get_window_extent()
    taken: list[Any] = [note.get_window_extent().padded(4) for note in beside]
    placed: list[Any] = []
    for x, y, text in labels:
        best: tuple[float, dict[str, Any], Any] | None = None
        for far, distance in enumerate(_DISTANCES):
            for preference, (right, up) in enumerate(_DIRECTIONS):
                where = _beside(right, up, distance)
                note = axes.annotate(text, (x, y), textcoords="offset points", **where, **style)
                box = note.get_window_extent().padded(4)
                note.remove()
                cost = float(_covered(box, points)) + 40 * sum(box.overlaps(other) for other in taken)
                cost += 200 * _outside(box, frame) + 0.05 * preference + 0.4 * far
                if far:
                    cost += 0.5 * _crossed(axes.transData.transform((x, y)), box, points)
                if best is None or cost < best[0]:
                    # A label right beside its point needs no line to it.
                    line = {"arrowprops": _leader(style)} if far else {}
                    best = (cost, {**where, **line}, box)
        assert best is not None
        taken.append(best[2])
        placed.append(axes.annotate(text, (x, y), textcoords="offset points", zorder=9, **best[1], **style))
    return placed


def _beside(right: float, up: float, distance: float) -> dict[str, Any]:
    """The offset, and an alignment that keeps the text on the far side of it."""
    return {
        "xytext": (right * distance, up * distance),
        "ha": {1: "left", 0: "center", -1: "right"}[int(right)],
        "va": "bottom" if up > 1 else "top" if up < -1 else "center",
    }


def _leader(style: Mapping[str, Any]) -> dict[str, Any]:
    return {"arrowstyle": "-", "color": style.get("color"), "lw": 0.7, "shrinkA": 1, "shrinkB": 6}


def _covered(box: Any, points: Any) -> int:
    if len(points) == 0:
        return 0
    inside = (points[:, 0] >= box.x0) & (points[:, 0] <= box.x1)
    inside &= (points[:, 1] >= box.y0) & (points[:, 1] <= box.y1)
    return int(inside.sum())


def _crossed(point: Any, box: Any, points: Any) -> int:
    """The points that a line from ``point`` to the middle of the box would cross, but for those at ``point`` itself."""
    way = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]) - point
    others = points - point
    along = others @ way / max(float(way @ way), 1.0)
    away = np.hypot(*(others - np.clip(along, 0, 1)[:, None] * way).T)
    return int(((away < _NEAR) & (np.hypot(*others.T) > 2 * _NEAR)).sum())


def _outside(box: Any, frame: Any) -> float:
    """How far the box sticks out of the axes, in pixels (0 when inside), squashed to at most 1 per side."""
    over = (frame.x0 - box.x0, box.x1 - frame.x1, frame.y0 - box.y0, box.y1 - frame.y1)
    return float(sum(min(1.0, max(0.0, o) / 10) for o in over))
