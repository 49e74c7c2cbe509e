"""Labels beside points: neither they nor the lines to them cover more than they must."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from results.plots import labels

POINT = np.array([200.0, 200.0])


def middle(obstacles: list[Any]) -> tuple[Any, bool]:
    """(the middle of the label of ``POINT`` in pixels, whether it has a line)."""
    figure = Figure(figsize=(4, 4), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 400), ylim=(0, 400))
    (note,) = labels.place(axes, [(*POINT, "x")], obstacles, fontsize=7, color="black")
    note.get_window_extent()  # of text and line; it puts the text where it belongs
    box = Text.get_window_extent(note)
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]), note.arrow_patch is not None


def test_a_line_to_a_label_keeps_off_other_points() -> None:
    obstacles: list[Any] = []
    for _ in range(11):  # until every place right beside the point is covered
        at, far = middle(obstacles)
        if far:
            break
        obstacles += 5 * [at]
    assert far
    crossed = [POINT + (at - POINT) * part for part in (0.6, 0.65, 0.7)]
    elsewhere, far = middle([*obstacles, *crossed])
    assert far
    assert np.hypot(*(elsewhere - at)) > 20
