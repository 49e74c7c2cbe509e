"""How far a proxy's ranking can be trusted: its rank correlation with the truth, with an interval.

Correlations over a few dozen networks are uncertain, so every figure comes with a percentile bootstrap over
networks. The noise floor is the proxy's agreement with itself under another seed: no proxy can be expected
to agree better with the truth than with itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from space.errors import InputError

Array = NDArray[np.float64]
TOP_SHARE = 0.1


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % percentile bootstrap interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RankCorrelation:
    """Agreement of scores with the truth over ``count`` networks.

    ``spearman`` and ``kendall`` (τ-b, which allows for ties) are in −1..1; ``top_overlap`` is the share of the
    truth's best tenth (at least one network) that is in the scores' best tenth.
    """

    count: int
    spearman: Interval
    kendall: Interval
    top_overlap: float


def rank_correlation(
    scores: Sequence[float] | Array, truth: Sequence[float] | Array, *, resamples: int = 1000, seed: int = 0
) -> RankCorrelation:
    """How well ``scores`` rank networks whose true accuracies are ``truth``, larger being better in both.

    Networks without a finite score are ranked last: a proxy that fails on a network has not found it good. Raises InputError for fewer than three networks or unequal lengths.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if len(x) != len(y) or len(x) < 3:
        raise InputError.of("scores", "three or more, one for each truth", f"{len(x)} for {len(y)}")
    if not np.isfinite(y).all():
        raise InputError.of("truth", "finite numbers", y[~np.isfinite(y)][0])
    x = stats.rankdata(np.where(np.isfinite(x), x, -np.inf))
    y = stats.rankdata(y)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(x), size=(resamples, len(x)))
    return RankCorrelation(
        len(x),
        _interval(spearman, x, y, draws),
        _interval(kendall, x, y, draws),
        top_overlap(x, y),
    )


def gain(
    scores: Sequence[float] | Array,
    baseline: Sequence[float] | Array,
    truth: Sequence[float] | Array,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Spearman's ρ of ``scores`` with the truth minus that of ``baseline``, on the same networks.

    The interval is of the difference: each resample holds the same networks for both, so it is narrower than
    the two intervals side by side suggest. Networks without a finite score are ranked last.
    """
    x, b, y = (
        stats.rankdata(np.where(np.isfinite(values), values, -np.inf))
        for values in (np.asarray(v, dtype=np.float64) for v in (scores, baseline, truth))
    )

    def difference(draw: NDArray[np.int64]) -> float:
        return spearman(x[draw], y[draw]) - spearman(b[draw], y[draw])

    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(x), size=(resamples, len(x)))
    values = np.array([difference(draw) for draw in draws])
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (math.nan, math.nan)
    return Interval(difference(np.arange(len(x))), float(low), float(high))


def spearman(x: Array, y: Array) -> float:
    """Spearman's ρ with averaged ranks for ties; NaN where either side is constant."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])


def kendall(x: Array, y: Array) -> float:
    """Kendall's τ-b; NaN where either side is constant."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(stats.kendalltau(x, y).statistic)


def top_overlap(x: Array, y: Array, share: float = TOP_SHARE) -> float:
    """Share of the best ``share`` by ``y`` that is among the best ``share`` by ``x``; ties by position."""
    count = max(1, round(share * len(x)))
    best = [set(np.argsort(-values, kind="stable")[:count].tolist()) for values in (x, y)]
    return len(best[0] & best[1]) / count


def _interval(
    statistic: Callable[[Array, Array], float], x: Array, y: Array, draws: NDArray[np.int64]
) -> Interval:
    # The statistic of a resample does not depend on its order, and few networks have few resamples.
    different, of_draw = np.unique(np.sort(draws, axis=1), axis=0, return_inverse=True)
    values = np.array([statistic(x[draw], y[draw]) for draw in different])[of_draw]
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (math.nan, math.nan)
    return Interval(statistic(x, y), float(low), float(high))


@dataclass(frozen=True)
class Noise:
    """Agreement of repeated runs: Spearman between them, and the standard deviation of one network's score."""

    spearman: float
    deviation: float


def noise_floor(runs: Sequence[Sequence[float]]) -> Noise | None:
    """The noise of a score from ``runs`` (repeats × networks); None with fewer than two repeats.

    ``spearman`` is the mean over pairs of repeats; ``deviation`` the root mean variance within networks, in
    the score's own unit. Networks without a finite score in every repeat are left out.
    """
    table = np.asarray(runs, dtype=np.float64)
    table = table[:, np.isfinite(table).all(axis=0)]
    if len(table) < 2 or table.shape[1] < 3:
        return None
    pairs = [spearman(table[i], table[j]) for i in range(len(table)) for j in range(i)]
    return Noise(float(np.mean(pairs)), float(np.sqrt(table.var(axis=0, ddof=1).mean())))


def correlation_row(
    name: str,
    runs: Sequence[Sequence[float]],
    seconds: float,
    truth: Sequence[float],
    *,
    baseline: Sequence[float] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """One row of the comparison: the first run of a proxy against the truth, its noise floor and its cost.

    ``seconds`` is the cost of one network. ``gain`` is the proxy's Spearman minus that of the scores of a ``baseline``;
    None without one.
    """
    found = rank_correlation(runs[0], truth, resamples=resamples, seed=seed)
    noise = noise_floor(runs)
    over = None if baseline is None else gain(runs[0], baseline, truth, resamples=resamples, seed=seed)
    return {
        "proxy": name,
        "architectures": found.count,
        "spearman": found.spearman.value,
        "spearman_low": found.spearman.low,
        "spearman_high": found.spearman.high,
        "gain": None if over is None else over.value,
        "gain_low": None if over is None else over.low,
        "gain_high": None if over is None else over.high,
        "kendall": found.kendall.value,
        "kendall_low": found.kendall.low,
        "kendall_high": found.kendall.high,
        "top_overlap": found.top_overlap,
        "noise_spearman": None if noise is None else noise.spearman,
        "noise_deviation": None if noise is None else noise.deviation,
        "seconds": seconds,
        "spearman_per_second": found.spearman.value / seconds if seconds > 0 else None,
        "failures": int((~np.isfinite(np.asarray(runs[0], dtype=np.float64))).sum()),
    }
