"""Places for labels beside their points, where they cover the fewest points, lines and other labels.

All of it is geometry in one unit, that of the picture (points of type or units of an SVG picture), y upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise, product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Directions around the point in order of preference, each tried at three distances.
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
_WAYS = tuple(product(_DISTANCES, _DIRECTIONS))
_NEAR = 2.0
"""From a line to the middle of a point that it crosses."""
_MARGIN = np.array([-2.0, -1.0, 2.0, 1.0])
"""Beside a label, and above and below it."""
_SPACING = 6.0
"""Between the points that stand for a line, less than the height of a label."""
_DOT, _LINE, _OWNER, _CROSSED = 0.3, 1.0, 2.0, 2.0
"""What speaks against covering a point, a piece of a line, and the point of another label, and a leader that crosses a line."""
_FAR = 0.8
"""What speaks against each step away from the point."""
_ROUNDS, _ORDERS = 4, 12


class Place(NamedTuple):
    """Where a label goes: at ``right × distance`` and ``up × distance`` from its point, on the far side of it.

    ``box`` is the label with its margin (left, bottom, right, top), ``leader`` the line to it (start, end) of a label that is
    not right beside its point, otherwise None.
    """

    right: float
    up: float
    distance: float
    box: Floats
    leader: Floats | None


class _Options(NamedTuple):
    """The places tried for one label: boxes (n, 4), leaders (n, 2, 2), NaN for none, and what speaks against each (n)."""

    boxes: Floats
    leaders: Floats
    costs: Floats


class _Drawn(NamedTuple):
    """What is in the picture: points, each kind with what speaks against covering one, and the segments of lines (n, 2, 2)."""

    points: Sequence[tuple[Floats, float]]
    segments: Floats


def arrange(
    owners: Any, sizes: Any, points: Any, lines: Sequence[Any], frame: Sequence[float]
) -> list[Place]:
    """A place for the label of each of ``owners`` (n, 2), whose width and height are in ``sizes`` (n, 2).

    ``points`` (m, 2) and ``lines`` (of corners (k, 2)) are what the text should not cover. Labels stay inside the ``frame`` (left,
    bottom, right, top), off each other and each other's leaders, and nearer to their own points than to another's.
    """
    owners, sizes, points = (np.asarray(a, dtype=float).reshape(-1, 2) for a in (owners, sizes, points))
    segments = np.array([pair for line in lines for pair in pairwise(line)], dtype=float).reshape(-1, 2, 2)
    drawn = _Drawn([(points, _DOT), (_along(segments), _LINE), (owners, _OWNER)], segments)
    options = [_options(owner, size, drawn, owners, frame) for owner, size in zip(owners, sizes, strict=True)]
    clashes: dict[tuple[int, int], Floats] = {}
    for i, j in combinations(range(len(options)), 2):
        clashes[i, j] = _clashes(options[i], options[j])
        clashes[j, i] = clashes[i, j].T
    heights = np.argsort(owners[:, 1], kind="stable")
    # Those that come first leave the others what is free, so more than one order is tried.
    shuffle = np.random.default_rng(0)
    orders = [heights[::-1], heights, *(shuffle.permutation(heights) for _ in range(_ORDERS))]
    tried = [_chosen(options, clashes, order.tolist()) for order in orders]
    best = min(tried, key=lambda chosen: _total(chosen, options, clashes))
    return [_place(of, at) for of, at in zip(options, best, strict=True)]


def _options(owner: Floats, size: Floats, drawn: _Drawn, owners: Floats, frame: Sequence[float]) -> _Options:
    """The places for a label, with what speaks against each where no other label is."""
    boxes = np.array([_box(owner, size, *way) for way in _WAYS]) + _MARGIN
    leaders, costs = np.full((len(_WAYS), 2, 2), np.nan), np.zeros(len(_WAYS))
    # What touches the point itself does not count as crossed.
    elsewhere = [(points[_length(points - owner) > 2 * _NEAR], weight) for points, weight in drawn.points]
    away = _away(owner, drawn.segments[:, 0], drawn.segments[:, 1])
    segments = drawn.segments[away > 2 * _NEAR]
    others = owners[_length(owners - owner) > _NEAR]
    for at, (box, (distance, direction)) in enumerate(zip(boxes, _WAYS, strict=True)):
        costs[at] = sum(weight * _inside(box, points).sum() for points, weight in drawn.points)
        costs[at] += 200 * _outside(box, frame) + 0.05 * _DIRECTIONS.index(direction)
        if distance > _DISTANCES[0]:
            leaders[at] = owner, _edge(owner, box)
            costs[at] += _FAR * _DISTANCES.index(distance)
            costs[at] += sum(w / 2 * (_away(points, *leaders[at]) < _NEAR).sum() for points, w in elsewhere)
            costs[at] += _CROSSED * (_apart(leaders[at], segments) < _NEAR).sum()
        else:
            # No line says whose label it is, so no other point should be nearer to it, and none with a label too as near.
            nearer = [_gap(points, box) < _gap(owner, box) - _NEAR for points, _ in drawn.points]
            costs[at] += 0.5 * any(of.any() for of in nearer)
            costs[at] += 5 * (_gap(others, box) <= _gap(owner, box) + 0.5).any()
    return _Options(boxes, leaders, costs)


def _box(owner: Floats, size: Floats, distance: float, direction: tuple[float, float]) -> list[float]:
    """The label's left, bottom, right and top: it begins at the distance and goes on away from the point."""
    (right, up), (width, height) = direction, size
    left = owner[0] + right * distance - width * (1 - right) / 2
    side = 1 if up > 1 else -1 if up < -1 else 0
    bottom = owner[1] + up * distance - height * (1 - side) / 2
    return [left, bottom, left + width, bottom + height]


def _chosen(
    options: Sequence[_Options], clashes: dict[tuple[int, int], Floats], order: Sequence[int]
) -> list[int]:
    """A place for each label, chosen one after the other, and again while the others stay where they are."""
    chosen: dict[int, int] = {}
    for i in [*order] * _ROUNDS:
        against = sum((clashes[i, j][:, at] for j, at in chosen.items() if j != i), options[i].costs)
        chosen[i] = int(np.argmin(against))
    return [chosen[i] for i in range(len(options))]


def _total(
    chosen: Sequence[int], options: Sequence[_Options], clashes: dict[tuple[int, int], Floats]
) -> float:
    single = sum(float(of.costs[at]) for of, at in zip(options, chosen, strict=True))
    pairs = combinations(range(len(chosen)), 2)
    return single + sum(float(clashes[i, j][chosen[i], chosen[j]]) for i, j in pairs)


def _clashes(one: _Options, other: _Options) -> Floats:
    """What speaks against each place of one label (rows) beside each of another (columns)."""
    a, b = one.boxes[:, None], other.boxes[None]
    overlap = (a[..., :2] < b[..., 2:]).all(axis=-1) & (b[..., :2] < a[..., 2:]).all(axis=-1)
    through = (
        _struck(one.boxes, other.leaders).astype(int)
        + _struck(other.boxes, one.leaders).T
        + (_apart(one.leaders[:, None], other.leaders[None]) < _NEAR)
    )
    return 40.0 * overlap + 5.0 * through


def _struck(boxes: Floats, leaders: Floats) -> Bools:
    """Whether each box (rows) is struck by each leader (columns)."""
    steps = np.linspace(0, 1, 40)[:, None]
    along = leaders[:, None, 0] * (1 - steps) + leaders[:, None, 1] * steps
    return np.array([_inside(box, along).any(axis=-1) for box in boxes])


def _place(of: _Options, at: int) -> Place:
    distance, (right, up) = _WAYS[at]
    return Place(right, up, distance, of.boxes[at], of.leaders[at] if distance > _DISTANCES[0] else None)


def _along(segments: Floats) -> Floats:
    """Points along lines, so near to each other that a label that lies on a line covers one at least."""
    counts = 2 + _length(segments[:, 1] - segments[:, 0]) // _SPACING
    pieces = [
        np.linspace(start, end, int(count)) for (start, end), count in zip(segments, counts, strict=True)
    ]
    return np.vstack([np.empty((0, 2)), *pieces])


def _inside(box: Floats, points: Floats) -> Bools:
    within: Bools = (points >= box[:2]) & (points <= box[2:])
    return np.logical_and(within[..., 0], within[..., 1])


def _middle(box: Floats) -> Floats:
    return (box[:2] + box[2:]) / 2


def _edge(point: Floats, box: Floats) -> Floats:
    """Where the way from ``point`` to the middle of the box enters it."""
    way = _middle(box) - point
    halves = (box[2:] - box[:2]) / 2
    return _middle(box) - way * min(
        1.0, *(h / abs(w) if w else 1.0 for h, w in zip(halves, way, strict=True))
    )


def _gap(points: Floats, box: Floats) -> Floats:
    """How far each of the points (…, 2) is from the box."""
    return _length(points - np.clip(points, box[:2], box[2:]))


def _away(points: Floats, start: Floats, end: Floats) -> Floats:
    """How far the points (…, 2) are from the lines from ``start`` to ``end`` (…, 2)."""
    way = end - start
    along = ((points - start) * way).sum(axis=-1) / np.maximum((way * way).sum(axis=-1), 1e-12)
    return _length(points - start - np.clip(along, 0, 1)[..., None] * way)


def _length(vectors: Floats) -> Floats:
    """The lengths of vectors (…, 2)."""
    lengths: Floats = np.hypot(vectors[..., 0], vectors[..., 1])
    return lengths


def _apart(one: Floats, other: Floats) -> Floats:
    """How far lines (…, 2, 2) are from each other, 0 where they cross; NaN where one is none."""
    a, b, c, d = one[..., 0, :], one[..., 1, :], other[..., 0, :], other[..., 1, :]
    ends = np.minimum.reduce([_away(a, c, d), _away(b, c, d), _away(c, a, b), _away(d, a, b)])
    crossing = (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)
    return np.where(crossing, 0.0, ends)


def _side(start: Floats, end: Floats, point: Floats) -> Floats:
    """Positive where ``point`` is on the left of the line from ``start`` to ``end``, negative on its right."""
    way, to = end - start, point - start
    return way[..., 0] * to[..., 1] - way[..., 1] * to[..., 0]


def _outside(box: Floats, frame: Sequence[float]) -> float:
    """How far the box sticks out of the frame (0 when inside), squashed to at most 1 per side."""
    left, bottom, right, top = frame
    over = (left - box[0], box[2] - right, bottom - box[1], box[3] - top)
    return float(sum(min(1.0, max(0.0, o) / 10) for o in over))
