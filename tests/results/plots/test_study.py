"""Pictures: that they hold what they should, say it with units, and keep their labels apart."""

from __future__ import annotations

import os
import warnings
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Text
from PIL import Image

from results import frame
from results.front import front_of
from results.plots import picture, theme
from results.plots import study as plot
from space.errors import InputError, UnknownNameError

KINDS = ("overview", "front", "progress", "parallel", "importance")


def texts(figure: Any) -> list[Any]:
    """Every text that is drawn: ticks beyond the ends of an axis are not."""
    found = list(figure.texts)
    for legend in [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]:
        found += legend.get_texts()
    for axes in figure.findobj(lambda a: hasattr(a, "xaxis") and hasattr(a, "yaxis")):
        found += [*axes.texts, axes.title, axes._left_title]
        if not axes.axison:
            continue
        for one in (axes.xaxis, axes.yaxis):
            low, high = sorted(one.get_view_interval())
            found += [one.label, *(t.label1 for t in one.get_major_ticks() if low <= t.get_loc() <= high)]
    return [t for t in found if t.get_text() and t.get_visible()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_every_kind_is_drawn(kind: str, look: theme.Theme, trials: pd.DataFrame, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saved = picture.save(plot.draw(trials, kind, look=look), tmp_path / f"{kind}.png")
    pixels = np.asarray(Image.open(saved).convert("RGB")).reshape(-1, 3)
    paper = np.array([int(look.paper[i : i + 2], 16) for i in (1, 3, 5)])
    bare = (pixels == paper).all(axis=1).mean()
    assert 0.5 < bare < 0.99
    front = np.array([int(look.front[i : i + 2], 16) for i in (1, 3, 5)])
    if kind != "importance":
        assert (np.abs(pixels.astype(int) - front).max(axis=1) < 12).sum() > 100


def test_the_front_and_its_labels(trials: pd.DataFrame) -> None:
    figure = plot.draw(trials, "front")
    axes = figure.axes[0]
    assert axes.get_xlabel() == "MACs (M)"
    assert axes.get_ylabel() == "Validation accuracy (%)"
    front = front_of(trials)
    said = " ".join(t.get_text() for t in texts(figure))
    assert f"best: trial {front['number'].iloc[0]}\n{100 * front['accuracy'].iloc[0]:.1f} %" in said
    assert f"{len(front)} on the front" in said
    drawn = [np.asarray(c.get_offsets()) for c in axes.collections]
    assert any(len(d) == len(front) and np.allclose(d[:, 1], front["accuracy"] * 100) for d in drawn)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12 if os.environ.get("NASCALE_THOROUGH") else 2))
def test_no_two_texts_overlap(kind: str, seed: int, trials: pd.DataFrame) -> None:
    sample = trials.sample(frac=0.8, random_state=seed).sort_values("number").reset_index(drop=True)
    sample.attrs = trials.attrs
    figure = plot.draw(sample, kind)
    figure.canvas.draw()
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts(figure)]
    outside = figure.bbox
    for text, box in boxes:
        assert outside.x0 <= box.x0 and box.x1 <= outside.x1, text
        assert outside.y0 <= box.y0 and box.y1 <= outside.y1, text
    for (one, a), (other, b) in combinations(boxes, 2):
        assert not a.padded(-1).overlaps(b.padded(-1)), (one, other)


def test_names_on_the_front_keep_off_the_bars(trials: pd.DataFrame) -> None:
    sample = trials.assign(repeats=1, accuracy_mean=trials["accuracy"], accuracy_sem=0.015)
    sample.attrs = trials.attrs
    figure = plot.draw(sample, "front")
    figure.canvas.draw()
    axes = figure.axes[0]
    (bars,) = (c for c in axes.collections if isinstance(c, LineCollection))
    assert len(bars.get_segments()) == len(front_of(sample)) > 2
    for note in axes.texts:
        box = Text.get_window_extent(note)
        for segment in bars.get_segments():
            along = segment[0] + np.linspace(0, 1, 50)[:, None] * (segment[1] - segment[0])
            assert not any(box.contains(x, y) for x, y in axes.transData.transform(along)), note.get_text()


def test_what_cannot_be_drawn(trials: pd.DataFrame, storage: str, tmp_path: Path) -> None:
    figure = plot.draw(trials, "front")
    with pytest.raises(InputError, match=r"ends in \.png"):
        picture.save(figure, tmp_path / "front.gif")
    with pytest.raises(InputError, match="can be written"):
        picture.save(figure, tmp_path / "missing" / "front.png")
    with pytest.raises(UnknownNameError, match="--color: no such column"):
        plot.draw(trials, "front", color="colour")
    empty = frame.trials("empty", storage)
    assert any("no finished trial yet" in t.get_text() for t in texts(plot.draw(empty, "overview")))
    with pytest.raises(InputError, match="two finished trials"):
        plot.draw(empty, "importance")


def test_colours_by_a_column(trials: pd.DataFrame) -> None:
    figure = plot.draw(trials, "front", color="stage1.block")
    _, names = figure.axes[0].get_legend_handles_labels()
    assert {"mbconv", "bottleneck", "inception", "Pareto front"} <= set(names)
