"""The report: self-contained, complete, and, where Chromium is there, a picture with the right content."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from results.front import eligible, front_of
from results.plots.theme import DARK, LIGHT
from results.plots.view import View
from results.report import sections
from results.report.charts import front_chart
from results.report.report import report, write_report
from results.studies import load
from space.errors import UnknownNameError
from tests import factories

CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")


@pytest.fixture(scope="module")
def html(storage: str) -> str:
    return write_report("digits", storage)


class Outline(HTMLParser):
    """Open elements, headings and every attribute that could load something."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [v or "" for k, v in attrs if k in ("src", "href", "data", "srcset", "xlink:href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Closed at once."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def outline(html: str) -> Outline:
    parsed = Outline()
    parsed.feed(html)
    assert parsed.open == []
    return parsed


def test_it_loads_nothing(html: str) -> None:
    parsed = outline(html)
    assert parsed.loads == []
    assert re.findall(r"https?://[^\s\"'<]+", html.replace("http://www.w3.org/2000/svg", "")) == []
    assert "@import" not in html and "url(" not in html


def test_it_is_complete(html: str, trials: pd.DataFrame) -> None:
    assert outline(html).headings == [
        "Validation accuracy against MACs",
        "Progress",
        "Decisions that mattered",
        "Networks of the front",
        "The winner, scaled",
        "The front",
        "To run it again",
    ]
    front = front_of(trials)
    for key in front["key"]:
        assert key in html
    assert "nascale search --space mixed --sampler random" in html
    assert "torch 2.13.0" in html
    for number in front["number"]:
        assert f'id="network-{number}"' in html
        assert f'class="member" data-n="{number}"' in html


def test_the_data_under_the_pointer(html: str, trials: pd.DataFrame) -> None:
    match = re.search(r'<script type="application/json" id="trials">(.*?)</script>', html, re.DOTALL)
    assert match is not None
    data = json.loads(match[1])
    assert len(data) == int(eligible(trials).sum())
    front = set(front_of(trials)["number"].astype(str))
    for number, entry in data.items():
        assert entry["title"] == f"Trial {number}"
        assert dict(entry["facts"])["Validation accuracy"].endswith("%")
        assert ("parts" in entry) == (number not in front)


def test_names_are_escaped(tmp_path: Path) -> None:
    name = "<script>alert('x')</script>&"
    url = factories.sqlite_study(tmp_path / "x.db", 6, name=name)
    html = write_report(name, url)
    outline(html)
    assert "<script>alert" not in html


@pytest.mark.parametrize("name", ["empty", "failed"])
def test_a_study_without_results_says_so(name: str, storage: str) -> None:
    html = write_report(name, storage)
    assert outline(html).headings == ["To run it again"]
    assert "No finished trial yet" in html


def test_other_axes(storage: str) -> None:
    assert (
        "Validation accuracy against Parameters"
        in outline(write_report("digits", storage, x="params")).headings
    )
    assert "reward against MACs" in outline(write_report("reward", storage, y="reward")).headings
    with pytest.raises(UnknownNameError, match="--x"):
        write_report("digits", storage, x="nothing")


def test_bars_of_noise_stand_where_a_network_was_verified(trials: pd.DataFrame) -> None:
    assert "noise" not in front_chart(View.of(trials), 700, 480)
    verified = trials.copy()
    inner = trials.loc[eligible(trials) & ~trials["number"].isin(front_of(trials)["number"]), "number"].iloc[
        0
    ]
    verified.loc[verified["number"] == inner, ["verified_low", "verified_high"]] = [0.01, 0.99]
    chart = front_chart(View.of(verified), 700, 480)
    (bar,) = re.findall(r'class="noise" d="M[\d.]+ ([\d.]+)h7M[\d.]+ ([\d.]+)h7', chart)
    # Both ends are inside the picture, whose axis reaches as far as they do.
    assert 480 > float(bar[0]) > 300 and 0 < float(bar[1]) < 100


@pytest.mark.parametrize("size", [(700, 480), (380, 380)])
@pytest.mark.parametrize("seed", range(6))
def test_words_stay_inside_the_picture_and_off_each_other(
    seed: int, size: tuple[int, int], trials: pd.DataFrame
) -> None:
    """Stock networks at the budget, near which the best network lies too; one is somewhat better than that."""
    draw = np.random.default_rng(seed)
    frame = trials.copy()
    budget, best = int(frame["macs"].max()), front_of(frame).iloc[0]
    frame.loc[best.name, "macs"] = int(budget * draw.uniform(0.9, 1))
    others = frame.index[eligible(frame) & (frame["status"] == "ok") & (frame.index != best.name)]
    rows = draw.choice(others, len(STOCK_NETWORKS), replace=False)
    frame.loc[rows, "stock"] = STOCK_NETWORKS
    frame.loc[rows, "macs"] = budget
    below = draw.uniform(0, 0.03, len(rows)) - np.eye(len(rows))[0] * 0.032
    frame.loc[rows, "accuracy"] = best["accuracy"] - below
    boxes = words_of(front_chart(View.of(frame), *size))
    assert {word for word, *_ in boxes} >= {"best", *STOCK_NETWORKS}
    for word, left, bottom, right, top in boxes:
        assert left >= 0 and right <= size[0] and top >= 0 and bottom <= size[1], word
    for (one, *a), (other, *b) in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[1] <= b[3] or b[1] <= a[3], (one, other)


STOCK_NETWORKS = (
    "mobilenetv4_conv_small",
    "efficientnet_b0",
    "resnet18",
    "vgg16",
    "googlenet",
    "mobilenet_v2",
)


def words_of(chart: str) -> list[tuple[str, float, float, float, float]]:
    """(word, left, bottom, right, top) of each word inside the axes, 6 wide a letter and 11 high."""
    texts = re.findall(
        r'<text class="(?:label|name)" x="([\d.-]+)" y="([\d.-]+)" text-anchor="(\w+)">([a-z]\w+)<', chart
    )
    boxes = []
    for x, y, anchor, word in texts:
        left = float(x) - 6 * len(word) * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        boxes.append((word, left, float(y) + 2, left + 6 * len(word), float(y) - 9))
    return boxes


def test_no_section_needs_a_style_of_its_own(storage: str, trials: pd.DataFrame) -> None:
    """The page of the service allows style sheets only, no style attributes."""
    stored, view = load("digits", storage), View.of(trials)
    parts = (sections.tiles(stored, view), sections.front(view), sections.progress(view),
             sections.importance_bars(view), sections.block_key())  # fmt: skip
    assert all(parts)
    assert "style=" not in "".join(parts)


def screenshot(html: str, folder: Path, width: int, height: int, theme: str) -> np.ndarray:
    """The page as pixels (height, width, 3), in a frame of exactly ``width``: windows have a least width."""
    assert CHROMIUM is not None
    (folder / "report.html").write_text(
        html.replace("<html ", f'<html data-theme="{theme}" '), encoding="utf-8"
    )
    (folder / "frame.html").write_text(
        f'<body style="margin:0"><iframe src="report.html" width="{width}" height="{height}" style="border:0">'
    )
    picture = folder / f"{width}-{theme}.png"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
        f"--user-data-dir={folder}/profile", f"--window-size={max(width, 600)},{height}", f"--screenshot={picture}",
        (folder / "frame.html").as_uri(),
    ]  # fmt: skip
    subprocess.run(
        command, check=True, capture_output=True, timeout=90, env={**os.environ, "HOME": str(folder)}
    )
    return np.asarray(Image.open(picture).convert("RGB"))[:, :width].astype(int)


def near(pixels: np.ndarray, color: str, tolerance: int = 10) -> np.ndarray:
    wanted = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
    mask: np.ndarray = np.abs(pixels - wanted).max(axis=2) <= tolerance
    return mask


@needs_chromium
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_picture(html: str, width: int, theme: str, tmp_path: Path) -> None:
    look = LIGHT if theme == "light" else DARK
    pixels = screenshot(html, tmp_path, width, 1600, theme)
    assert near(pixels, look.paper, 2).mean() > 0.6
    assert near(pixels, look.paper, 2)[:, -4:].all(), "something runs over the right edge"
    line = near(pixels, look.front)
    rows = np.flatnonzero(line.any(axis=1))
    columns = np.flatnonzero(line.any(axis=0))
    # The front spans a good part of its chart: a line of members, not a lonely dot.
    assert np.ptp(rows) > 100
    assert np.ptp(columns) > (150 if width > 800 else 70)
    # The panel draws the network of the first member: bars in the colour of at least one block type.
    assert sum(near(pixels, color).sum() > 200 for color in look.series[:3]) >= 1
    assert near(pixels, look.ink, 40).sum() > 3000, "no text"


@needs_chromium
def test_pointing_at_a_trial_shows_its_network(html: str, trials: pd.DataFrame, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    front = front_of(trials)
    other = int(trials.loc[eligible(trials) & ~trials["number"].isin(front["number"]), "number"].iloc[0])
    member = int(front["number"].iloc[-1])
    # What a pointer would do, then what the panel says after each.
    pointed = (
        "<script>var said = [];"
        f"[{member}, {other}].forEach(function (n) {{"
        "document.querySelector('#front [data-n=\"' + n + '\"]')"
        ".dispatchEvent(new Event('pointerover', {bubbles: true}));"
        "var panel = document.getElementById('panel');"
        "said.push(panel.querySelector('h3').textContent, panel.querySelectorAll('svg').length,"
        "panel.querySelectorAll('dl').length, document.querySelectorAll('.picked').length); });"
        "document.title = said.join('|');</script></body>"
    )
    page = tmp_path / "report.html"
    page.write_text(html.replace("</body>", pointed), encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", "--dump-dom",
         page.as_uri()],
        check=True, capture_output=True, text=True, timeout=90, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    # Both shapes of the chart mark the trial; a member of the front is drawn, another one listed in words. A member
    # is a dot and a point of the front.
    assert title[1] == f"Trial {member}|1|1|4|Trial {other}|0|2|2"


def test_conclusions_come_first_and_word_for_word(storage: str) -> None:
    lines = ["exported: trial 3, <5M MACs", "worth it: yes: trial 3 differs by +2.0 points (+1.0 to +3.0)"]
    study = load("digits", storage, architectures=True)
    page = report(study, conclusions=lines)
    outline = Outline()
    outline.feed(page)
    plain = report(study)
    added = "<dt>exported</dt><dd>trial 3, &lt;5M MACs</dd><dt>worth it</dt><dd>yes: trial 3 differs by +2.0 points"
    assert added in page and page.index(added) < page.index('id="front"')
    assert len(page) - len(plain) < 400 and "What came of it" not in plain
