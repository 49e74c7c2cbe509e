"""Labels beside points, put where they cover the fewest points, lines and other labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Directions around the point in order of preference, each tried at three distances (in points).
_DIRECTIONS: tuple[tuple[float, float], ...] = (
    (1, 0),
    (-1, 0),
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
_MARGIN = (4.0, 2.0)
"""Pixels beside a label, and above and below it."""
_ROUNDS = 4
_NO_LINE = np.empty((0, 2))


class _Place(NamedTuple):
    """Where a label could be: how to write it there, its box and the line to it in pixels, and what speaks against it."""

    where: Mapping[str, Any]
    box: Any
    line: Any
    cost: float


def place(
    axes: Axes,
    labels: Sequence[tuple[float, float, str]],
    obstacles: Any,
    beside: Sequence[Any] = (),
    **style: Any,
) -> list[Any]:
    """Writes each ``(x, y, text)`` near its point, with a leader line where it is not right beside it; returns the annotations.

    ``obstacles`` are points (n × 2, data units) that the text should not cover, ``beside`` annotations that were placed
    before. Labels stay inside the axes, off each other and each other's lines, and nearer to their own points than to another's.
    """
    points = axes.transData.transform(np.asarray(obstacles, dtype=float).reshape(-1, 2))
    owners = axes.transData.transform(np.array([(x, y) for x, y, _ in labels]).reshape(-1, 2))
    options = [list(_places(axes, *label, points, owners, style)) for label in labels]
    fixed = [_Place({}, note.get_window_extent().padded(*_MARGIN), _NO_LINE, 0) for note in beside]
    heights = np.argsort([y for _, y, _ in labels], kind="stable").tolist()
    # Those that come first leave the others what is free, so more than one order is tried.
    chosen = min(
        (_chosen(options, fixed, order) for order in (heights[::-1], heights)), key=lambda c: _total(c, fixed)
    )
    return [
        axes.annotate(text, (x, y), textcoords="offset points", zorder=9, **at.where, **style)
        for (x, y, text), at in zip(labels, chosen, strict=True)
    ]


def _places(
    axes: Axes, x: float, y: float, text: str, points: Any, owners: Any, style: Mapping[str, Any]
) -> Iterator[_Place]:
    """The places for a label, each with its cost where no other label is."""
    own = axes.transData.transform((x, y))
    for far, distance in enumerate(_DISTANCES):
        for preference, (right, up) in enumerate(_DIRECTIONS):
            where = _beside(right, up, distance)
            note = axes.annotate(text, (x, y), textcoords="offset points", **where, **style)
            box = note.get_window_extent().padded(*_MARGIN)
            note.remove()
            cost = (
                _covered(box, points)
                + 200 * _outside(box, axes.get_window_extent())
                + 0.05 * preference
                + 0.4 * far
            )
            if far:
                yield _Place(
                    {**where, "arrowprops": _leader(style)},
                    box,
                    _line(own, box),
                    cost + 0.5 * _crossed(own, box, points),
                )
            else:
                # No line says whose label it is, so no other point should be nearer to it, least of all one with a label too.
                misread = 0.5 * (_nearer(own, box, points, _NEAR) > 0) + 5 * (_nearer(own, box, owners) > 0)
                yield _Place(where, box, _NO_LINE, cost + misread)


def _chosen(
    options: Sequence[Sequence[_Place]], fixed: Sequence[_Place], order: Sequence[int]
) -> list[_Place]:
    """A place for each label, chosen one after the other, and again while the others stay where they are."""
    chosen: dict[int, _Place] = {}
    for i in [*order] * _ROUNDS:
        chosen[i] = _cheapest(options[i], [*fixed, *(place for j, place in chosen.items() if j != i)])
    return [chosen[i] for i in range(len(options))]


def _total(chosen: Sequence[_Place], fixed: Sequence[_Place]) -> float:
    pairs = [*combinations(chosen, 2), *product(chosen, fixed)]
    return sum(place.cost for place in chosen) + sum(_clash(*pair) for pair in pairs)


def _cheapest(places: Sequence[_Place], others: Sequence[_Place]) -> _Place:
    return min(places, key=lambda place: place.cost + sum(_clash(place, other) for other in others))


def _clash(one: _Place, other: _Place) -> float:
    through = (
        (_covered(one.box, other.line) > 0)
        + (_covered(other.box, one.line) > 0)
        + _cross(one.line, other.line)
    )
    return 40.0 * bool(one.box.overlaps(other.box)) + 5.0 * through


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


def _middle(box: Any) -> Any:
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])


def _line(point: Any, box: Any) -> Any:
    """Points along the line from ``point`` to the box."""
    line = np.linspace(point, _middle(box), 40)
    return line[[not box.contains(*at) for at in line]]


def _crossed(point: Any, box: Any, points: Any) -> int:
    """The points that a line from ``point`` to the middle of the box would cross, but for those at ``point`` itself."""
    way = _middle(box) - point
    others = points - point
    along = others @ way / max(float(way @ way), 1.0)
    away = np.hypot(*(others - np.clip(along, 0, 1)[:, None] * way).T)
    return int(((away < _NEAR) & (np.hypot(*others.T) > 2 * _NEAR)).sum())


def _nearer(point: Any, box: Any, points: Any, by: float = 0) -> int:
    """The points that are nearer to the box than ``point`` is, by more than ``by`` pixels, so that the text seems to be theirs."""

    def away(those: Any) -> Any:
        return np.hypot(*(those - np.clip(those, (box.x0, box.y0), (box.x1, box.y1))).T)

    return int((away(points) < away(point) - by).sum())


def _cross(line: Any, other: Any) -> bool:
    return len(line) > 0 and len(other) > 0 and bool(cdist(line, other).min() < _NEAR)


def _outside(box: Any, frame: Any) -> float:
    """How far the box sticks out of the axes, in pixels (0 when inside), squashed to at most 1 per side."""
    over = (frame.x0 - box.x0, box.x1 - frame.x1, frame.y0 - box.y0, box.y1 - frame.y1)
    return float(sum(min(1.0, max(0.0, o) / 10) for o in over))
