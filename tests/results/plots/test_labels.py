"""Labels beside points: neither they nor the lines to them cover more than they must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from results.plots import labels

STYLE = {"fontsize": 7, "color": "black"}
POINT = np.array([200.0, 200.0])


def placed(obstacles: list[Any]) -> tuple[Any, bool]:
    """(the box of the label of ``POINT`` in pixels, whether it has a line)."""
    figure = Figure(figsize=(4, 4), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 400), ylim=(0, 400))
    (note,) = labels.place(axes, [labels.Label(*POINT.tolist(), "x", STYLE)], [*obstacles, POINT])
    note.get_window_extent()  # of text and line; it puts the text where it belongs
    return Text.get_window_extent(note), note.arrow_patch is not None


def middle(obstacles: list[Any]) -> tuple[Any, bool]:
    """(the middle of the label of ``POINT`` in pixels, whether it has a line)."""
    box, far = placed(obstacles)
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]), far


def test_a_line_to_a_label_keeps_off_other_points() -> None:
    obstacles: list[Any] = []
    for _ in range(13):  # until every place right beside the point is covered
        at, far = middle(obstacles)
        if far:
            break
        obstacles += 20 * [at]
    assert far
    crossed = [POINT + (at - POINT) * part for part in (0.6, 0.65, 0.7)]
    elsewhere, far = middle([*obstacles, *(20 * crossed)])
    assert far
    assert np.hypot(*(elsewhere - at)) > 20


def test_no_other_point_is_nearer_to_a_label_without_a_line() -> None:
    box, far = placed([])
    assert not far
    gap = np.hypot(*(POINT - np.clip(POINT, box.min, box.max)))
    other = np.array([box.x1 + gap / 2, (box.y0 + box.y1) / 2])  # it covers nothing, and is nearer
    moved, far = placed([other])
    assert not np.allclose(moved.extents, box.extents)
    if not far:
        assert np.hypot(*(other - np.clip(other, moved.min, moved.max))) > np.hypot(
            *(POINT - np.clip(POINT, moved.min, moved.max))
        )


@pytest.mark.parametrize("gap", [5, 10, 16, 30])
def test_names_of_one_column_are_told_apart(gap: float) -> None:
    """Points one above the other at the right edge, as stock networks at one budget are."""
    figure = Figure(figsize=(6, 5), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 600), ylim=(0, 500))
    points = [
        (570.0, 400.0, "mobilenet_v2"),
        (570.0, 400.0 - gap, "mobilenet_v3_small"),
        (570.0, 200.0, "resnet18"),
    ]
    owners = np.array([point[:2] for point in points])
    notes = labels.place(axes, [labels.Label(*point, STYLE) for point in points], owners)
    for note in notes:
        note.get_window_extent()  # of text and line; it puts the text where it belongs
    boxes = [Text.get_window_extent(note) for note in notes]
    for i, (note, box) in enumerate(zip(notes, boxes, strict=True)):
        others = boxes[:i] + boxes[i + 1 :]
        assert not box.count_overlaps(others)
        if note.arrow_patch is None:
            assert np.hypot(*(owners - np.clip(owners, box.min, box.max)).T).argmin() == i
        else:
            line = np.linspace(owners[i], (box.min + box.max) / 2, 100)
            assert not any(other.contains(*at) for other in others for at in line)
