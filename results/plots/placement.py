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
_PREFERENCES = np.add.outer(_FAR * np.arange(len(_DISTANCES)), 0.05 * np.arange(len(_DIRECTIONS))).ravel()
_BESIDE = slice(len(_DIRECTIONS))
"""The ways that are so near to the point that they need no leader."""
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
    if len(owners) == 0:
        return []
    owners, sizes, points = (np.asarray(a, dtype=float).reshape(-1, 2) for a in (owners, sizes, points))
    segments = np.array([pair for line in lines for pair in pairwise(line)], dtype=float).reshape(-1, 2, 2)
    drawn = _Drawn([(points, _DOT), (_along(segments), _LINE), (owners, _OWNER)], segments)
    options = [_options(owner, size, drawn, owners, frame) for owner, size in zip(owners, sizes, strict=True)]
    costs = np.stack([of.costs for of in options])
    clashes = _clashes(
        np.vstack([of.boxes for of in options]), np.vstack([of.leaders for of in options])
    ).reshape(2 * costs.shape)
    heights = np.argsort(owners[:, 1], kind="stable")
    # Those that come first leave the others what is free, so more than one order is tried.
    shuffle = np.random.default_rng(0)
    orders = [heights[::-1], heights, *(shuffle.permutation(heights) for _ in range(_ORDERS))]
    tried = [_chosen(costs, clashes, order.tolist()) for order in orders]
    best = min(tried, key=lambda chosen: _total(chosen, costs, clashes))
    return [_place(of, at) for of, at in zip(options, best, strict=True)]


def _options(owner: Floats, size: Floats, drawn: _Drawn, owners: Floats, frame: Sequence[float]) -> _Options:
    """The places for a label, with what speaks against each where no other label is."""
    boxes = np.array([_box(owner, size, *way) for way in _WAYS]) + _MARGIN
    leaders = np.stack([np.broadcast_to(owner, (len(boxes), 2)), _edges(owner, boxes)], axis=1)
    leaders[_BESIDE] = np.nan
    costs = _PREFERENCES + 200 * _outside(boxes, frame)
    for points, weight in drawn.points:
        # What touches the point itself does not count as crossed.
        elsewhere = points[_length(points - owner) > 2 * _NEAR]
        costs += weight * _inside(boxes[:, None], points).sum(axis=1)
        costs += weight / 2 * (_away(elsewhere, leaders[:, None, 0], leaders[:, None, 1]) < _NEAR).sum(axis=1)
    away = _away(owner, drawn.segments[:, 0], drawn.segments[:, 1])
    elsewhere = drawn.segments[away > 2 * _NEAR]
    costs += _CROSSED * (_apart(leaders[:, None], elsewhere) < _NEAR).sum(axis=1)
    # No line says whose label it is right beside its point, so no other should be nearer to it, and none with a label as near.
    gaps = _gaps(owner, boxes[_BESIDE])[:, None]
    others = owners[_length(owners - owner) > _NEAR]
    nearer = [(_gaps(points, boxes[_BESIDE, None]) < gaps - _NEAR).any(axis=1) for points, _ in drawn.points]
    costs[_BESIDE] += 0.5 * np.any(nearer, axis=0)
    costs[_BESIDE] += 5 * (_gaps(others, boxes[_BESIDE, None]) <= gaps + 0.5).any(axis=1)
    return _Options(boxes, leaders, costs)


def _box(owner: Floats, size: Floats, distance: float, direction: tuple[float, float]) -> list[float]:
    """The label's left, bottom, right and top: it begins at the distance and goes on away from the point."""
    (right, up), (width, height) = direction, size
    left = owner[0] + right * distance - width * (1 - right) / 2
    side = 1 if up > 1 else -1 if up < -1 else 0
    bottom = owner[1] + up * distance - height * (1 - side) / 2
    return [left, bottom, left + width, bottom + height]


def _chosen(costs: Floats, clashes: Floats, order: Sequence[int]) -> list[int]:
    """A place for each label, chosen one after the other, and again while the others stay where they are."""
    chosen: dict[int, int] = {}
    for i in [*order] * _ROUNDS:
        against = sum((clashes[i, :, j, at] for j, at in chosen.items() if j != i), costs[i])
        chosen[i] = int(np.argmin(against))
    return [chosen[i] for i in range(len(costs))]


def _total(chosen: Sequence[int], costs: Floats, clashes: Floats) -> float:
    """What speaks against the chosen places together."""
    pairs = combinations(enumerate(chosen), 2)
    together = sum(float(clashes[i, at, j, other]) for (i, at), (j, other) in pairs)
    return together + sum(float(costs[i, at]) for i, at in enumerate(chosen))


def _clashes(boxes: Floats, leaders: Floats) -> Floats:
    """What speaks against each place beside each other, of a box (n, 4) and a leader (n, 2, 2): a symmetric matrix (n, n)."""
    low, high = boxes[:, None, :2], boxes[None, :, 2:]
    begins = (low[..., 0] < high[..., 0]) & (low[..., 1] < high[..., 1])
    struck = _struck(boxes, leaders).astype(int)
    crossing = _apart(leaders[:, None], leaders[None]) < _NEAR
    clashes: Floats = 40.0 * (begins & begins.T) + 5.0 * (struck + struck.T + crossing)
    return clashes


def _struck(boxes: Floats, leaders: Floats) -> Bools:
    """Whether each box (rows) is struck by each leader (columns): the parts of it between the box's sides have some in common."""
    enters, leaves = np.zeros((len(boxes), len(leaders))), np.ones((len(boxes), len(leaders)))
    for axis in (0, 1):
        start, way = leaders[:, 0, axis], leaders[:, 1, axis] - leaders[:, 0, axis]
        way = np.where(np.abs(way) < 1e-9, 1e-9, way)
        one, other = (boxes[:, axis, None] - start) / way, (boxes[:, 2 + axis, None] - start) / way
        enters, leaves = (
            np.maximum(enters, np.minimum(one, other)),
            np.minimum(leaves, np.maximum(one, other)),
        )
    struck: Bools = enters <= leaves
    return struck


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


def _inside(boxes: Floats, points: Floats) -> Bools:
    within: Bools = (points >= boxes[..., :2]) & (points <= boxes[..., 2:])
    return np.logical_and(within[..., 0], within[..., 1])


def _edges(point: Floats, boxes: Floats) -> Floats:
    """Where the way from ``point`` to the middle of each box enters it."""
    middles, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    way = middles - point
    parts = np.minimum(1, halves / np.maximum(np.abs(way), 1e-9)).min(axis=1)
    edges: Floats = middles - way * parts[:, None]
    return edges


def _gaps(points: Floats, boxes: Floats) -> Floats:
    """How far the points (…, 2) are from the boxes (…, 4)."""
    return _length(points - np.clip(points, boxes[..., :2], boxes[..., 2:]))


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


def _outside(boxes: Floats, frame: Sequence[float]) -> Floats:
    """How far each box sticks out of the frame (0 when inside), squashed to at most 1 per side."""
    over = np.hstack([frame[:2] - boxes[:, :2], boxes[:, 2:] - frame[2:]])
    squashed: Floats = np.clip(over / 10, 0, 1).sum(axis=1)
    return squashed
