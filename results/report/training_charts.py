"""The curves of a training as SVG text, for a page: they take their colours from its style sheet, as ``charts`` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from results.plots.axes import limits
from results.report.charts import Panel
from results.training_curves import ACCURACIES, LOSSES, Row

_STYLES = {
    "train_loss": "line train",
    "validation_loss": "line",
    "average_loss": "line average",
    "accuracy": "line",
    "average_accuracy": "line average",
}


def loss_chart(rows: Sequence[Row], width: float, height: float, style: str = "") -> str:
    """The losses by epoch; empty where there are none."""
    return _chart(rows, LOSSES, "Loss (nats)", "losses by epoch", (width, height), style)


def accuracy_chart(
    rows: Sequence[Row], width: float, height: float, style: str = "", kept: Mapping[str, Any] | None = None
) -> str:
    """The validation accuracies by epoch, with a ring around that of the ``kept`` weights; empty where there are none."""
    return _chart(
        rows,
        ACCURACIES,
        "Validation accuracy (%)",
        "accuracies by epoch",
        (width, height),
        style,
        100.0,
        kept,
    )


def legend(names: Mapping[str, str], rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(style, words) of the lines that are drawn."""
    return [(_STYLES[column], words) for column, words in names.items() if _points(rows, column)]


def _points(rows: Sequence[Row], column: str, factor: float = 1.0) -> list[tuple[float, float]]:
    """(epoch, value) where the column is known."""
    found = ((row.get("epoch"), row.get(column)) for row in rows)
    return [
        (epoch, factor * value)
        for epoch, value in found
        if epoch is not None and value is not None and value == value
    ]


def _chart(
    rows: Sequence[Row],
    names: Mapping[str, str],
    label: str,
    title: str,
    size: tuple[float, float],
    style: str,
    factor: float = 1.0,
    kept: Mapping[str, Any] | None = None,
) -> str:
    lines = {column: _points(rows, column, factor) for column in names}
    every = [point for points in lines.values() for point in points]
    if not every:
        return ""
    last = max(x for x, _ in every)
    panel = Panel(*size, (0.0, last + max(0.5, 0.02 * last)), limits([y for _, y in every], False))
    body = panel.frame("Epoch", label, counts=True)
    for column, points in lines.items():
        if len(points) == 1:
            (x, y) = points[0]
            body += f'<circle class="dot" cx="{panel.across(x):.1f}" cy="{panel.up(y):.1f}" r="3.5"/>'
        body += panel.path(points, _STYLES[column])
    if kept is not None:
        x, y = panel.across(kept["epoch"]), panel.up(factor * kept["accuracy"])
        body += f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="6.5"/>'
    return panel.svg(title, body, style)
