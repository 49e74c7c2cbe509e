"""What fitted scaling laws say, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import TYPE_CHECKING, Any

from search.scaling.optimum import GREEK

if TYPE_CHECKING:
    from search.scaling.loss_fit import LossFit


def told(values: Sequence[float | None], intervals: Sequence[tuple[float, float] | None]) -> str:
    """Coefficients with their intervals, those that are known."""
    return ", ".join(
        f"{name} {value:.2f}" + (f" ({pair[0]:.2f}–{pair[1]:.2f})" if pair else "")
        for name, value, pair in zip(GREEK, values, intervals, strict=True)
        if value is not None
    )


def loss_claims(fit: LossFit) -> list[str]:
    """α, β, γ for each length of training, from which length on depth pays, and the noise."""
    from search.scaling.bootstrap import LEVEL

    lines = [
        f"loss law on {fit.points} points of {fit.trainings} trainings, {LEVEL:.0%} intervals; it misses a point by {fit.rmse:.3f} nats, "
        f"one training deviates by {fit.noise.single:.3f} and a seed by {fit.noise.seed:.3f}"
    ]
    lines += [
        f"after {budget.epochs:g} epochs: {told(budget.coefficients, budget.intervals)}"
        for budget in fit.budgets
    ]
    if fit.depth_pays is not None:
        value, low, high = map(_length, fit.depth_pays)
        lines.append(f"epochs from which on depth pays: {value} ({low} to {high})")
    return lines


def _length(epochs: float) -> str:
    if isinf(epochs):
        return "more than can be told"
    return f"{epochs:.2g}" if epochs else "fewer than can be told"


def budget_rows(fit: LossFit) -> list[dict[str, Any]]:
    """A row of α, β, γ with their intervals for each length of training."""
    rows = []
    for budget in fit.budgets:
        row: dict[str, Any] = {"epochs": budget.epochs}
        for name, value, pair in zip(GREEK, budget.coefficients, budget.intervals, strict=True):
            row |= {name: value, f"{name}_low": pair and pair[0], f"{name}_high": pair and pair[1]}
        rows.append(row)
    return rows
