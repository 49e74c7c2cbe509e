"""Pictures of scaling: a family under budgets, EfficientNet against its formula, a search for coefficients.

Each function takes plain rows (the same that the commands print) and returns a matplotlib Figure made
without pyplot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from results.plots import theme
from results.plots.axes import limits, lowered, ticks, title
from results.plots.picture import save

__all__ = ["coefficients_figure", "family_figure", "reproduce_figure", "save"]

Row = Mapping[str, Any]
_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K"))


def family_figure(
    name: str, base: Mapping[str, float], rows: Sequence[Row], measure: str, look: theme.Theme = theme.LIGHT
) -> Figure:
    """The members of a family: what each dimension has grown by against the cost, and which φ each has reached.

    ``base`` are the costs of the network that was scaled, which stands among its family at 1.0. Lines are the nominal
    factors α^φ, β^φ, γ^φ, points what came out of rounding.
    """
    cost = measure if measure in base else "macs"
    with theme.drawn_in(look):
        figure = _figure(10.5, 4.2)
        left, right = figure.subplots(1, 2)
        own: Row = {cost: base[cost], "phi": 0.0, **dict.fromkeys(_GROWN, 1.0)}
        ordered = sorted([*rows, own], key=lambda row: (row[cost], row["phi"]))
        axis = [row[cost] for row in ordered]
        for color, dimension in zip(look.series, _DIMENSIONS, strict=False):
            rule = _base_of(rows, dimension)
            left.plot(
                axis, [row[f"realised_{dimension}"] for row in ordered], "o", color=color, label=dimension
            )
            if rule is not None:
                left.plot(axis, [rule ** row["phi"] for row in ordered], "-", color=color, lw=1, alpha=0.6)
        left.axhline(1, color=look.muted, lw=0.8)
        left.axvline(base[cost], color=look.muted, lw=0.8)
        # At the end of the line of 1, where a long name stays inside.
        end = (1.0, 1.0), (-4, -12)
        left.annotate(
            name, *end, left.get_yaxis_transform(), "offset points", color=look.muted, ha="right", fontsize=9
        )
        left.set_xscale("log")
        left.set_yscale("log")
        left.set(
            xlabel=title(cost), ylabel="Times the network's own", title="What each dimension has grown by"
        )
        left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        left.yaxis.set_minor_formatter(NullFormatter())
        grown = [row[column] for row in ordered for column in _GROWN]
        left.yaxis.set_major_locator(FixedLocator(_factors(min(grown), max(grown))))
        left.legend(
            title="line: the rule; point: rounded",
            frameon=True,
            facecolor=look.paper,
            edgecolor="none",
            framealpha=1,
        )
        left.margins(y=0.14)
        _human(left)
        # The costs of a family may span less than a power of ten, and then matplotlib marks nothing.
        left.xaxis.set_major_locator(FixedLocator(ticks(*limits(axis, True), True, 4)))
        _draw_reached(right, rows, measure, look)
    return figure


_DIMENSIONS = ("depth", "width", "resolution")
_GROWN = tuple(f"realised_{dimension}" for dimension in _DIMENSIONS)


def _base_of(rows: Sequence[Row], dimension: str) -> float | None:
    """α, β or γ, from what a member has grown by and the φ that it has reached; None where all are as large as the network."""
    for row in rows:
        if row[f"phi_{dimension}"]:
            return float(row[f"realised_{dimension}"] ** (1 / row[f"phi_{dimension}"]))
    return None


def _factors(low: float, high: float) -> list[float]:
    """Round factors from ``low`` to ``high``, with 1 among them."""
    steps = [0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0]
    inside = [step for step in steps if low <= step <= high]
    wide = high / low > 2
    return [step for step in inside if not wide or step not in (0.9, 1.1)] or [1.0]


def _draw_reached(axes: Axes, rows: Sequence[Row], measure: str, look: theme.Theme) -> None:
    """The φ that each dimension of each member has reached, side by side: equal bars are compound scaling."""
    ordered = sorted(rows, key=lambda row: row["phi"])
    for place, (color, dimension) in enumerate(zip(look.series, _DIMENSIONS, strict=False)):
        heights = [row[f"phi_{dimension}"] or 0.0 for row in ordered]
        axes.bar(
            [i + 0.27 * (place - 1) for i in range(len(ordered))], heights, 0.25, color=color, label=dimension
        )
    axes.axhline(0, color=look.muted, lw=0.8)
    labels = [
        f"{_short(row['budget'])}\n{100 * row['used']:.1f} % used" if row["budget"] else f"φ={row['phi']:g}"
        for row in ordered
    ]
    axes.set_xticks(range(len(ordered)), labels, fontsize=8 if len(ordered) <= 6 else 6)
    if rows[0]["budget"]:
        axes.set_xlabel(f"Budget ({lowered(title(measure))})")
    axes.set(ylabel="φ reached", title="How far each dimension has come")


def reproduce_figure(rows: Sequence[Row], look: theme.Theme = theme.LIGHT) -> Figure:
    """MACs of paper, released code and formula, and the φ that each released coefficient implies."""
    with theme.drawn_in(look):
        figure = _figure(10, 4.2)
        left, right = figure.subplots(1, 2)
        names = [row["name"].removeprefix("efficientnet_").upper() for row in rows]
        places = range(len(rows))
        base = rows[0]["macs"]
        printed = [(i, row["paper_macs"]) for i, row in enumerate(rows) if row["paper_macs"]]
        left.plot(places, [row["macs"] / base for row in rows], "o-", color=look.series[0], label="released")
        left.plot(
            places,
            [row["formula_macs"] / base for row in rows],
            "s--",
            color=look.front,
            label="formula at the best φ",
        )
        left.plot([i for i, _ in printed], [m / base for _, m in printed], "x", color=look.ink, label="paper")
        left.set_yscale("log")
        left.set_xticks(places, names)
        left.set(ylabel="MACs, times B0", title="What was counted")
        left.legend()
        for color, part in zip(look.series[1:], ("depth", "width", "resolution"), strict=False):
            right.plot(places, [row[f"phi_{part}"] for row in rows], "o-", color=color, label=f"from {part}")
        right.plot(places, [row["phi"] for row in rows], "k_", markersize=14, label="best for all three")
        right.set_xticks(places, names)
        right.set(ylabel="φ", title="The φ that each released coefficient implies")
        right.legend()
    return figure


def coefficients_figure(
    rows: Sequence[Row], title: str, law: Mapping[str, Any] | None = None, look: theme.Theme = theme.LIGHT
) -> Figure:
    """Ranked candidates with their intervals; base, single dimensions and compound ones told apart by colour.

    ``rows`` hold ``candidate``, ``kind`` ("base", "smaller", "star", "depth", "width", "resolution" or "compound"),
    ``accuracy``, ``low`` and ``high`` (None without an interval); ``law`` is ``LawFit.to_dict()``, whose coefficients are drawn beside.
    """
    kinds = ("compound", "depth", "width", "resolution", "base", "smaller", "star")
    with theme.drawn_in(look):
        figure = _figure(10, max(3.8, 0.9 + 0.17 * len(rows)))
        axes = figure.subplots(1, 2 if law else 1, width_ratios=[2.4, 1] if law else None, squeeze=False)[0]
        ordered = sorted(rows, key=lambda row: row["accuracy"])
        colors = dict(zip(kinds, (*look.series[:4], look.muted, look.dot, look.dot), strict=True))
        for kind in kinds:
            chosen = [(i, row) for i, row in enumerate(ordered) if row["kind"] == kind]
            if not chosen:
                continue
            centre = [100 * row["accuracy"] for _, row in chosen]
            errors = [
                [100 * (row["accuracy"] - (row["low"] or row["accuracy"])) for _, row in chosen],
                [100 * ((row["high"] or row["accuracy"]) - row["accuracy"]) for _, row in chosen],
            ]
            axes[0].errorbar(
                centre,
                [i for i, _ in chosen],
                xerr=errors,
                fmt="o",
                color=colors[kind],
                label=kind,
                ms=4,
                lw=1,
            )
        size = 8 if len(ordered) <= 40 else 5
        axes[0].set_yticks(range(len(ordered)), [row["candidate"] for row in ordered], fontsize=size)
        axes[0].set(xlabel="validation accuracy, %", title=title, ylim=(-0.8, len(ordered) - 0.2))
        axes[0].legend(loc="lower right")
        if law:
            _draw_coefficients(axes[1], law, look)
    return figure


def _draw_coefficients(axes: Axes, law: Mapping[str, Any], look: theme.Theme) -> None:
    """α, β, γ of the fitted law with their intervals, and the paper's beside them."""
    for place, (name, paper) in enumerate((("alpha", 1.2), ("beta", 1.1), ("gamma", 1.15))):
        value, pair = law[name], law["intervals"][name]
        if value is None:
            continue
        low, high = pair or (value, value)
        axes.plot([place, place], [low, high], color=look.series[0])
        axes.plot(place, value, "o", color=look.series[0], label="the law's" if place == 0 else None)
        axes.plot(place, paper, "x", color=look.front, label="EfficientNet's" if place == 0 else None)
    axes.set_xticks(range(3), ["α", "β", "γ"])
    axes.set_xlim(-0.5, 2.5)
    axes.margins(y=0.25)
    axes.set_title(f"of the law, {law['interval_level']:.0%} intervals")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _human(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    for scale, suffix in _SUFFIXES:
        if value >= scale:
            return f"{value / scale:.3g}{suffix}"
    return f"{value:.3g}"
