"""The picture of samplers: every line is named at its end, inside the page, and no name covers another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from results.plots.regret import draw, regret_figure

RNG = np.random.default_rng(0)
REGRETS = {
    name: np.minimum.accumulate(RNG.exponential(scale, (20, 60)), axis=1)
    for name, scale in (
        ("controller", 1.0),
        ("controller-ppo", 1.0),
        ("tpe", 1.02),
        ("evolution", 3.0),
        ("random", 9.0),
    )
}


def test_every_sampler_is_named_inside_the_picture() -> None:
    figure = regret_figure(
        REGRETS, title="a table: simple regret", subtitle="Against " + "x" * 80, noise=0.02
    )
    figure.canvas.draw()
    axes, page = figure.axes[0], figure.bbox
    names = [text.get_text() for text in axes.texts]
    assert sorted(names) == sorted([*REGRETS, "noise of a seed"])
    boxes = [text.get_window_extent() for text in [*axes.texts, *figure.texts]]
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])
    order = sorted(REGRETS, key=lambda name: REGRETS[name][:, -1].mean())
    assert [name for name in names if name in REGRETS] == order


def test_one_repeat_and_a_regret_of_zero_are_drawn(tmp_path: Path) -> None:
    path = draw({"one": np.array([[1.0, 0.5, 0.0]])}, tmp_path / "p.png", title="t", subtitle="s")
    assert path.stat().st_size > 1000
