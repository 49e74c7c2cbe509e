"""The picture of proxies: every proxy has its number and its name, however long, and all of it is on the page."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from results.plots.proxies import draw, proxy_figure
from space.errors import InputError

LONG = "train:epochs=10,resolution=16,width=0.5,batch_size=32,learning_rate=0.1,flip=true,cutout=4,score=loss"


def row(name: str, spearman: float, seconds: float) -> dict[str, float | str]:
    return {
        "proxy": name,
        "spearman": spearman,
        "spearman_low": spearman - 0.2,
        "spearman_high": min(1.0, spearman + 0.1),
        "seconds": seconds,
    }


ROWS = [
    row(LONG, 0.8, 77.0),
    row("macs", 0.7, 1e-5),
    row("params", 0.3, 0.0),
    row("naswot", 0.9, 0.1),
    row("broken", math.nan, 0.1),
]


def test_every_proxy_is_named_inside_the_picture() -> None:
    figure = proxy_figure(ROWS, title="a table")
    figure.canvas.draw()
    page = figure.bbox
    texts = [*figure.texts, *figure.axes[0].texts, figure.axes[0].title]
    for text in texts:
        box = text.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    key = " ".join(text.get_text() for text in figure.texts).replace("\N{NO-BREAK SPACE}", " ")
    assert LONG.replace(",", ", ") in key.replace("\n", " ")
    assert "macs   ρ 0.70, free" in key and "naswot   ρ 0.90, 0.1 s" in key and "broken" not in key
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "3", "4"]
    rows = [text.get_window_extent() for text in figure.texts]
    for i, one in enumerate(rows):
        assert not any(one.overlaps(other) for other in rows[i + 1 :])


def test_numbers_of_points_in_one_place_do_not_lie_on_each_other() -> None:
    near = [row(name, 0.9 + 0.01 * i, 3.7 + 0.1 * i) for i, name in enumerate("abcd")]
    figure = proxy_figure([*ROWS, *near], title="a table")
    figure.canvas.draw()
    numbers = [text.get_window_extent() for text in figure.axes[0].texts]
    for i, one in enumerate(numbers):
        assert not any(one.overlaps(other) for other in numbers[i + 1 :])
    lines = [text.get_text() for text in figure.texts if "ρ" in text.get_text()]
    assert len(lines) == 8 and all(line.endswith(("\N{NO-BREAK SPACE}s", "free")) for line in lines)


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    assert draw(ROWS, tmp_path / "p.svg", title="t").stat().st_size > 1000
    with pytest.raises(InputError):
        draw(ROWS, tmp_path / "none" / "p.png", title="t")
