"""The picture of a confusion matrix: everything is named, and no name leaves the page."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from results.plots.confusion import confusion_figure

LONG = "a class whose name nobody could read on a narrow page"


def texts_on_the_page(figure: Figure) -> bool:
    figure.draw_without_rendering()
    page = figure.bbox
    texts = [*figure.texts, *(t for a in figure.axes for t in (*a.get_xticklabels(), *a.get_yticklabels(), a.xaxis.label, a.yaxis.label))]  # fmt: skip
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    return all(
        page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes
    )


@pytest.mark.parametrize("classes", [2, 10, 61])
def test_all_classes_are_named_on_the_page(classes: int) -> None:
    confusion = np.random.default_rng(0).integers(0, 9, (classes, classes))
    names = [f"class {i}" for i in range(classes - 1)] + [LONG]
    figure = confusion_figure(
        confusion, names, title="a network of a rather long name: what is taken for what"
    )
    assert texts_on_the_page(figure)
    axes = figure.axes[0]
    across = axes.get_xticklabels()
    assert [t.get_text() for t in across] == [t.get_text() for t in axes.get_yticklabels()]
    assert [t.get_text() for t in across][:-1] == names[:-1]
    assert across[-1].get_text() == "a class whos…narrow page"
    boxes = [text.get_window_extent() for text in across]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_a_colour_is_the_share_of_the_true_class() -> None:
    confusion = np.array([[3, 1], [0, 0]])
    figure = confusion_figure(confusion, ["a", "b"], title="t")
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])
    assert sorted(text.get_text() for text in axes.texts) == ["1", "3"]
    assert figure.texts[1].get_text() == "4 images, 3 right"
