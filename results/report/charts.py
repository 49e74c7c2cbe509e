"""Small charts as SVG text, for a page: they take their colours from its style sheet.

The classes are ``dot``, ``front``, ``member``, ``best``, ``line``, ``axis``, ``grid``, ``label``, ``leader`` and ``quiet``. A mark
that stands for a trial carries its number in ``data-n``, which is all that the page's script needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from results.front import eligible
from results.plots.axes import limits, ticks
from results.plots.placement import arrange
from results.plots.view import View

_MOST_DOTS = 2000
_LETTER, _LINE = 7.2, 13.0
"""A letter's width and a line's height of a label."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A plotting area with one pair of axes, in the units of the picture."""

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    x_log: bool = False
    y_log: bool = False
    left: float = 50.0
    right: float = 14.0
    top: float = 14.0
    bottom: float = 42.0

    def across(self, value: float) -> float:
        share = _share(value, *self.x, self.x_log)
        return self.left + share * (self.width - self.left - self.right)

    def up(self, value: float) -> float:
        share = _share(value, *self.y, self.y_log)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)

    def frame(self, x_label: str, y_label: str, *, counts: bool = False) -> str:
        """Grid, ticks and the labels of both axes; ``counts`` marks only whole numbers along x."""
        pieces: list[str] = []
        floor, wanted = self.height - self.bottom, max(4, int(self.width / 100))
        for value in ticks(*self.x, self.x_log, wanted, whole=counts):
            x = self.across(value)
            pieces.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.top}" y2="{floor:.1f}"/>')
            pieces.append(_text(x, floor + 16, f"{value:g}", "label", "middle"))
        for value in ticks(*self.y, self.y_log, max(3, int(self.height / 70))):
            y = self.up(value)
            right = self.width - self.right
            pieces.append(f'<line class="grid" x1="{self.left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            pieces.append(_text(self.left - 7, y + 4, f"{value:g}", "label", "end"))
        pieces.append(
            f'<path class="axis" d="M{self.left} {self.top}V{floor:.1f}H{self.width - self.right:.1f}"/>'
        )
        pieces.append(_text((self.left + self.width) / 2, self.height - 6, x_label, "label", "middle"))
        middle = (self.top + floor) / 2
        pieces.append(
            f'<text class="label" text-anchor="middle" transform="translate(13 {middle:.1f}) rotate(-90)">'
            f"{escape(y_label)}</text>"
        )
        return "".join(pieces)

    def path(self, points: Iterable[Sequence[float]], style: str) -> str:
        """A line through ``points``."""
        corners = "L".join(f"{self.across(x):.1f} {self.up(y):.1f}" for x, y in points)
        return f'<path class="{style}" d="M{corners}"/>' if corners else ""

    def svg(self, name: str, body: str, style: str = "", role: str = "img") -> str:
        """The whole picture, named for screen readers; its ``role`` is ``group`` where marks in it can have the focus."""
        return (
            f'<svg class="chart {style}" viewBox="0 0 {self.width:g} {self.height:g}" role="{role}">'
            f"<title>{escape(name)}</title>{body}</svg>"
        )


def _share(value: float, low: float, high: float, logarithmic: bool) -> float:
    if logarithmic:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _text(x: float, y: float, words: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def front_chart(view: View, width: float, height: float, style: str = "") -> str:
    """All finished trials as dots and the front as a step line with its members; best and knee are named."""
    rows = view.frame[eligible(view.frame)]
    points = view.points(rows)
    shown: Any = np.isfinite(points).all(axis=1)
    rows, points = rows.loc[shown], points[shown]
    members = view.points(view.front)
    inside = np.vstack([points, view.points(view.stock)])
    ends = view.intervals(rows)
    # The mean of any network has a standard error; bars for all of them would cover the picture.
    drawn = rows["number"].isin(view.front["number"]) | rows["verified_low"].notna()
    ends[~drawn.to_numpy(dtype=bool)] = np.nan
    panel = Panel(
        width,
        height,
        limits(inside[:, 0], view.x.logarithmic),
        limits([*inside[:, 1], *ends[np.isfinite(ends)]], view.y.logarithmic),
        view.x.logarithmic,
        view.y.logarithmic,
    )
    numbers = rows["number"].tolist()
    ages = np.linspace(0.25, 0.9, len(rows))  # later trials are darker
    step = math.ceil(len(rows) / _MOST_DOTS)
    dots = "".join(
        f'<circle class="dot" data-n="{n}" cx="{panel.across(x):.1f}" cy="{panel.up(y):.1f}" r="4"'
        f' fill-opacity="{age:.2f}"/>'
        for n, (x, y), age in list(zip(numbers, points.tolist(), ages, strict=True))[::step]
    )
    marks = "".join(
        f'<circle class="member" data-n="{n}" cx="{panel.across(x):.1f}" cy="{panel.up(y):.1f}" r="6" tabindex="0"'
        f' role="button" aria-label="trial {n}: {view.y.text(y * view.y.scale)}, {view.x.text(x * view.x.scale)}"/>'
        for n, (x, y) in zip(view.front["number"].tolist(), members.tolist(), strict=True)
    )
    stairs = panel.path(view.staircase(), "front")
    body = panel.frame(view.x.label, view.y.label) + dots + _crosses(view, panel) + stairs
    bars = _bars(points[:, 0], ends)
    body += "".join(_noise(panel, *bar) for bar in bars) + marks
    body += _words(view, panel, inside, [view.staircase(), *bars])
    return panel.svg(view.title, body, style, "group")


def _bars(across: Any, ends: Any) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Both ends of each known interval."""
    pairs = zip(across.tolist(), ends.tolist(), strict=True)
    return [((x, low), (x, high)) for x, (low, high) in pairs if low == low and high == high]


def _noise(panel: Panel, low: tuple[float, float], high: tuple[float, float]) -> str:
    """A bar with caps from one end of an interval to the other."""
    left, bottom, top = panel.across(low[0]), panel.up(low[1]), panel.up(high[1])
    return (
        f'<path class="noise" d="M{left - 3.5:.1f} {bottom:.1f}h7M{left - 3.5:.1f} {top:.1f}h7'
        f'M{left:.1f} {bottom:.1f}V{top:.1f}"/>'
    )


def _crosses(view: View, panel: Panel) -> str:
    """The stock networks as crosses."""
    places = [(panel.across(x), panel.up(y)) for x, y in view.points(view.stock).tolist()]
    return "".join(
        f'<path class="stock" data-n="{number}" d="M{left - 4:.1f} {up - 4:.1f}l8 8m0 -8l-8 8"/>'
        for (left, up), number in zip(places, view.stock["number"].tolist(), strict=True)
    )


def _words(view: View, panel: Panel, points: Any, lines: Sequence[Any]) -> str:
    """The names of the stock networks, and which members are the best and the knee, off each other and all that is drawn."""
    members = view.points(view.front)
    labels = [
        (*members[row], word, "name") for row, word in view.named_members().items() if word != "cheapest"
    ]
    crosses = view.points(view.stock).tolist()
    labels += [(x, y, name, "label") for (x, y), name in zip(crosses, view.stock_names(), strict=True)]

    def upwards(points: Any) -> Any:
        """In the picture's units, but from its bottom up."""
        return [(panel.across(x), panel.height - panel.up(y)) for x, y in np.asarray(points).tolist()]

    places = arrange(
        upwards([(x, y) for x, y, _, _ in labels]),
        [(_LETTER * len(word), _LINE) for _, _, word, _ in labels],
        upwards(points),
        [upwards(line) for line in lines],
        (panel.left, panel.bottom, panel.width, panel.height),
    )
    pieces = []
    for (_, _, word, style), place in zip(labels, places, strict=True):
        left, bottom, right, _ = place.box.tolist()
        anchor, x = {1: ("start", left + 2), 0: ("middle", (left + right) / 2), -1: ("end", right - 2)}[
            int(place.right)
        ]
        if place.leader is not None:
            (from_x, from_y), (to_x, to_y) = place.leader.tolist()
            pieces.append(
                f'<path class="leader" d="M{from_x:.1f} {panel.height - from_y:.1f}L{to_x:.1f} {panel.height - to_y:.1f}"/>'
            )
        pieces.append(_text(x, panel.height - bottom - 4.5, word, style, anchor))
    return "".join(pieces)


def progress_chart(view: View, width: float, height: float, style: str = "") -> str:
    """Each finished trial's value and the best so far, against the trials."""
    numbers, values, best = view.best_so_far()
    panel = Panel(width, height, (0.0, float(numbers.max() + 1)), limits(values, view.y.logarithmic), False,
                  view.y.logarithmic)  # fmt: skip
    step = math.ceil(len(values) / _MOST_DOTS)
    dots = "".join(
        f'<circle class="dot" cx="{panel.across(n):.1f}" cy="{panel.up(v):.1f}" r="2.5" fill-opacity="0.6"/>'
        for n, v in list(zip(numbers.tolist(), values.tolist(), strict=True))[::step]
    )
    body = (
        panel.frame("Trials", view.y.label, counts=True) + dots + panel.path(_stepped(numbers, best), "front")
    )
    return panel.svg("best so far against trials", body, style)


def hypervolume_chart(view: View, width: float, height: float, style: str = "") -> str:
    """The hypervolume of the front after each trial, as a share of the final one."""
    numbers, shares = view.hypervolume_so_far()
    panel = Panel(width, height, (0.0, float(numbers.max() + 1)), (0.0, 105.0))
    body = panel.frame("Trials", "Hypervolume (% of final)", counts=True) + panel.path(
        _stepped(numbers, shares), "line"
    )
    return panel.svg("hypervolume of the front against trials", body, style)


def _stepped(xs: Any, ys: Any) -> list[tuple[float, float]]:
    """The corners of a line that holds each value until the next comes."""
    corners: list[tuple[float, float]] = []
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if corners and corners[-1][1] == y:
            continue  # a level stretch needs its ends only
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((float(xs[-1]), corners[-1][1]))
    return corners
