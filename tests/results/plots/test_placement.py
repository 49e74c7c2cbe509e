"""Places for labels, as geometry: inside the frame, off what is drawn, and lines measured as their points would be."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from results.plots.placement import _apart, arrange

FRAME = (0.0, 0.0, 400.0, 300.0)
corner = st.tuples(st.floats(0, 100), st.floats(0, 100))
lines = st.tuples(corner, corner).map(np.array)


@given(lines, lines)
def test_the_distance_of_lines_is_that_of_their_points(one: Any, other: Any) -> None:
    steps = np.linspace(0, 1, 200)[:, None]
    points = [line[0] + steps * (line[1] - line[0]) for line in (one, other)]
    assert float(_apart(one, other)) == pytest.approx(cdist(*points).min(), abs=0.8)


def test_a_label_without_a_leader_is_as_near_to_no_other_label_s_point() -> None:
    owners = [(200.0, 150.0), (200.0, 170.0)]
    for place, owner, other in zip(
        arrange(owners, [(40, 10)] * 2, [], [], FRAME), owners, owners[::-1], strict=True
    ):
        assert place.leader is None
        low, high = place.box[:2], place.box[2:]
        assert np.hypot(*(owner - np.clip(owner, low, high))) < np.hypot(*(other - np.clip(other, low, high)))


def test_a_label_keeps_off_a_line() -> None:
    """The line takes the place that is preferred; it has a corner at the point, as the stairs of a front have."""
    (free,) = arrange([(200.0, 150.0)], [(40, 10)], [], [], FRAME)
    (place,) = arrange([(200.0, 150.0)], [(40, 10)], [], [[(200.0, 150.0), (400.0, 150.0)]], FRAME)
    assert free.right == 1 and free.up == 0
    left, bottom, _, top = place.box
    assert top < 150 or bottom > 150 or left + 40 < 200


def test_a_leader_crosses_no_line_where_another_way_is_free() -> None:
    """Around the point only dots; beyond a line on its left it would be as free as on its right."""
    around = np.random.default_rng(0).uniform((190, 125), (235, 175), (900, 2))
    dots = np.vstack([around, around * (-1, 1) + (400, 0)])
    wall = [(180.0, 0.0), (180.0, 300.0)]
    (place,) = arrange([(200.0, 150.0)], [(40, 10)], dots, [wall], FRAME)
    assert place.leader is not None
    assert (place.leader[:, 0] > 180).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_labels_stay_inside_the_frame_and_off_each_other(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    owners = draw.uniform((20, 20), (380, 280), (count, 2))
    sizes = np.column_stack([draw.uniform(20, 90, count), np.full(count, 10)])
    places = arrange(owners, sizes, draw.uniform((0, 0), (400, 300), (50, 2)), [], FRAME)
    for place in places:
        assert (place.box[:2] > -1).all() and place.box[2] < 401 and place.box[3] < 301
    for one, other in combinations(places, 2):
        assert (one.box[:2] >= other.box[2:]).any() or (other.box[:2] >= one.box[2:]).any()


def test_nothing_to_place() -> None:
    assert arrange([], [], [(1.0, 2.0)], [], FRAME) == []
