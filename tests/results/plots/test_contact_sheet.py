"""The sheet of mistakes: every image with its words, none over another, and none without a place."""

from __future__ import annotations

import numpy as np
import pytest

from results.plots.contact_sheet import Shown, contact_sheet


@pytest.mark.parametrize(("count", "channels"), [(20, 3), (7, 1)])
def test_every_image_has_its_words(count: int, channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, channels), dtype=np.uint8)
    shown = [
        Shown(image, f"true {i}", "a prediction of a very long name", 1 - i / 100)
        for i, image in enumerate(images)
    ]
    figure = contact_sheet(shown, title="mistakes")
    figure.draw_without_rendering()
    assert len(figure.axes) == count
    for image, axes in zip(images, figure.axes, strict=True):
        np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()).reshape(image.shape), image)
    texts = [text.get_text() for text in figure.texts]
    assert {f"is true {i}" for i in range(count)} <= set(texts)
    assert "→ a predi…g name, 99%" in texts
    boxes = [text.get_window_extent() for text in figure.texts] + [a.get_window_extent() for a in figure.axes]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])
    assert all(figure.bbox.x0 <= b.x0 and b.x1 <= figure.bbox.x1 and b.y0 >= 0 for b in boxes)


def test_no_mistakes_are_said_so() -> None:
    figure = contact_sheet([], title="mistakes")
    assert figure.axes == [] and [text.get_text() for text in figure.texts] == ["mistakes", "none"]
