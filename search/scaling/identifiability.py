"""What measured points can tell of α, β, γ: whether they are enough for a law, and what they leave open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.scaling.bootstrap import LEVEL
from search.scaling.cross_validation import FittedLaw
from search.scaling.laws import LAWS, Array
from search.scaling.optimum import EXPONENTS, GREEK, coefficients_of, log_multipliers, simplex
from search.scaling.points import DIMENSIONS, Points
from space.errors import InputError

Intervals = Sequence[tuple[float, float] | None]


def check_enough(points: Points) -> None:
    """Raises InputError where the points are too few for every law, saying what is missing."""
    varied = points.varied
    distinct = points.distinct
    if len(varied) < 2:
        fixed = [
            f"{d} ({g})" for j, (d, g) in enumerate(zip(DIMENSIONS, GREEK, strict=True)) if j not in varied
        ]
        raise InputError(
            f"points: wanted two or more dimensions that vary, got "
            f"{DIMENSIONS[varied[0]] + ' alone' if varied else 'none'}: never varied are {', '.join(fixed)}, "
            f"so no coefficient can be determined"
        )
    wanted = min(law.free(len(varied)) for law in LAWS.values()) + 1
    if len(distinct) >= wanted:
        return
    base = np.median(distinct, axis=0) if not _has_base(distinct) else np.ones(3)
    moved = np.abs(distinct - base) > 1e-9
    lacking = [f"{DIMENSIONS[j]} alone" for j in varied if not np.any(moved[:, j] & (moved.sum(axis=1) == 1))]
    if not np.any(moved.sum(axis=1) >= 2):
        lacking.append("several dimensions at once")
    kinds = f"; none changes {', nor '.join(lacking)}" if lacking else "; any other network will do"
    raise InputError(
        f"points: wanted {wanted} or more distinct networks for a law in {', '.join(DIMENSIONS[j] for j in varied)}, "
        f"got {len(distinct)}: {wanted - len(distinct)} missing{kinds}"
    )


def _has_base(distinct: Array) -> bool:
    return bool(np.any(np.all(np.abs(distinct - 1) < 1e-9, axis=1)))


def statement(
    points: Points, laws: Sequence[FittedLaw], intervals: Intervals, growth: float
) -> tuple[str, ...]:
    """Sentences on what these points can and cannot tell apart; ``laws`` are sorted, the best one first."""
    lines = [
        f"{DIMENSIONS[j]} is never varied: {GREEK[j]} cannot be determined, and the other coefficients hold for "
        f"{GREEK[j]} = 1."
        for j in range(3)
        if j not in points.varied
    ]
    lines += _about_the_points(points, laws[0])
    lines += _wide_intervals(points, intervals, growth)
    lines.append(_as_good_as_the_best(points, laws[0], growth))
    lines += _extrapolation(points, growth)
    lines += _close_rival(laws)
    return tuple(lines)


def _about_the_points(points: Points, best: FittedLaw) -> list[str]:
    """Whether the points lie on one curve, and whether the law predicts at all."""
    lines = []
    logs = np.log(points.distinct[:, list(points.varied)])
    spread = np.linalg.svd(logs - logs.mean(axis=0), compute_uv=False)
    if spread[-1] < 0.08 * spread[0]:
        lines.append(
            "The points lie almost on one curve through (depth, width, resolution): they show how accuracy "
            "grows along it, not how to divide a budget among the dimensions."
        )
    deviation = float(np.std(points.percent))
    if best.loo_rmse > deviation:
        lines.append(
            f"No law predicts a left-out point better than the mean of the others does: its error is "
            f"{best.loo_rmse:.2f} points, the standard deviation of the accuracies {deviation:.2f}."
        )
    return lines


def _wide_intervals(points: Points, intervals: Intervals, growth: float) -> list[str]:
    lines = []
    for j in points.varied:
        pair = intervals[j]
        widest = growth ** (1 / EXPONENTS[j])
        if pair is not None and pair[1] - pair[0] > 0.5 * (widest - 1):
            lines.append(
                f"{GREEK[j]} is hardly determined: its {LEVEL:.0%} interval {pair[0]:.2f}–{pair[1]:.2f} covers "
                f"{(pair[1] - pair[0]) / (widest - 1):.0%} of what a growth of {growth:g} allows (1–{widest:.2f})."
            )
    return lines


def _as_good_as_the_best(points: Points, best: FittedLaw, growth: float) -> str:
    """The coefficients whose predicted accuracy is within one RMSE of the highest."""
    shares = simplex(len(points.varied), 40)
    predicted = LAWS[best.law].predict(best.theta, log_multipliers(shares, points.varied, growth))
    close = coefficients_of(shares[predicted > predicted.max() - best.rmse], points.varied, growth)
    ranges = ", ".join(
        f"{GREEK[j]} {close[:, i].min():.2f}–{close[:, i].max():.2f}" for i, j in enumerate(points.varied)
    )
    return (
        f"Within one RMSE ({best.rmse:.2f} points) of the highest predicted accuracy lie {ranges}: no single "
        f"network at φ = 1 can tell these apart."
    )


def _extrapolation(points: Points, growth: float) -> list[str]:
    dimensions = list(points.varied)
    edge = coefficients_of(np.eye(len(dimensions)), points.varied, growth).max(axis=0)
    reach = points.multipliers[:, dimensions].max(axis=0)
    outside = [DIMENSIONS[j] for i, j in enumerate(dimensions) if reach[i] < min(1.05, edge[i])]
    if not outside:
        return []
    return [f"No point is scaled up in {', '.join(outside)}: the coefficients extrapolate the law."]


def _close_rival(laws: Sequence[FittedLaw]) -> list[str]:
    if len(laws) < 2 or laws[1].loo_rmse >= 1.15 * laws[0].loo_rmse:
        return []
    rival = laws[1]
    values = ", ".join(
        f"{g} {c:.2f}" for g, c in zip(GREEK, rival.coefficients, strict=True) if c is not None
    )
    return [
        f"The {rival.law} law predicts left-out points about as well ({rival.loo_rmse:.2f} against "
        f"{laws[0].loo_rmse:.2f} points) and gives {values}."
    ]
