"""Where a network's memory, parameters and operations are: three bar charts for each network.

Small networks are drawn layer by layer (those that hold weights), larger ones part by part: stem, stages,
head. A bar's colours say how much of it is convolutions, linear layers and the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from results.plots import theme
from results.plots.picture import save
from space.layers import Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["cost_bars", "save"]

_MOST_BARS = 20
_PANELS: tuple[tuple[str, str, Callable[[Layer], int]], ...] = (
    ("memory of outputs", "B", lambda layer: layer.activation_bytes),
    ("parameters", "", lambda layer: layer.params),
    ("operations", " MACs", lambda layer: layer.macs),
)
_CONVOLUTIONS = ("conv 1x1", "conv", "depthwise", "grouped", "squeeze-excite")
_COLOURS = ("convolutions", "linear layers", "norms, pools, sums")


def cost_bars(networks: Sequence[tuple[str, Sequence[Layer]]], look: theme.Theme = theme.LIGHT) -> Figure:
    """The figure for (name, layers) of one or more networks, one row each."""
    with theme.drawn_in(look):
        figure = Figure(figsize=(11.5, 1.0 + 2.9 * len(networks)), dpi=160, layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(len(networks), len(_PANELS), squeeze=False)
        for axes_row, (name, layers) in zip(grid, networks, strict=True):
            bars = _bars(layers)
            for axes, (title, unit, cost) in zip(axes_row, _PANELS, strict=True):
                total = _draw(axes, bars, cost, look)
                axes.set_title(f"{name}: {title}, {_short(total)}{unit} in all", fontsize=9.5, loc="left")
        drawn = {
            label: h for axes in grid.flat for h, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=len(_COLOURS))
    return figure


def _bars(layers: Sequence[Layer]) -> list[tuple[str, list[Layer]]]:
    """(label, layers) of each bar: layers with weights where they are few, else the network's parts."""
    weighted = [layer for layer in layers if layer.weights]
    if len(weighted) <= _MOST_BARS:
        linear = (layer.kind == "linear" for layer in weighted)
        return [
            (f"{'fc' if fc else 'conv'}{i}", [w])
            for i, (fc, w) in enumerate(zip(linear, weighted, strict=True), 1)
        ]
    parts: dict[str, list[Layer]] = {}
    for layer in layers:
        part, number, *_ = layer.path.split(".")
        parts.setdefault(f"stage {int(number) + 1}" if part == "stages" else part, []).append(layer)
    return list(parts.items())


def _draw(
    axes: Axes, bars: list[tuple[str, list[Layer]]], cost: Callable[[Layer], int], look: theme.Theme
) -> int:
    """Draws one panel; returns the sum of its bars."""
    places = range(len(bars))
    bottoms = [0] * len(bars)
    for group, label in enumerate(_COLOURS):
        heights = [sum(cost(layer) for layer in layers if _group(layer) == group) for _, layers in bars]
        if any(heights):
            axes.bar(places, heights, 0.72, bottoms, color=look.series[group], label=label)
        bottoms = [b + h for b, h in zip(bottoms, heights, strict=True)]
    many = len(bars) > 6
    axes.set_xticks(
        list(places),
        [label for label, _ in bars],
        rotation=90 if many else 0,
    )
    axes.set_ylim(0, 1.06 * max(bottoms) or 1)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.grid(False, axis="x")
    return sum(bottoms)


def _group(layer: Layer) -> int:
    if layer.kind in _CONVOLUTIONS:
        return 0
    return 1 if layer.kind == "linear" else 2


def _short(value: float) -> str:
    for size, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:g}"
