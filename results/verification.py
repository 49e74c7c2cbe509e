"""What fresh measurements say of networks that a noisy search chose: estimates, intervals, who is best, and luck.

The score by which a search chose a network is too high on average: noise is a reason to be chosen. So it tells
nothing here about how good the network is; only measurements with fresh seeds do, S of each of K networks, the same
seeds for all. The best of several means is lucky again, though less so. Therefore the means are drawn together, the
more the smaller their differences are beside their noise.

The model is a crossed layout with random effects, y[k, s] = μ + a[k] + b[s] + e[k, s], where a network's accuracy is
θ[k] = μ + a[k], and a, b, e are normal with variances τ², ω², σ². With λ = σ² + Sτ² and κ = σ² + Kω², the sums of
squares between networks, between seeds and within are independent: λχ²(K−1), κχ²(S−1), σ²χ²((K−1)(S−1)). The
prior is the reference prior 1/(σ²λ) on λ ≥ σ² (Tiao & Tan 1965; Box & Tiao 1973, §5.2), and σ²/κ uniform on (0, 1]
(Daniels 1999). Given the two ratios λ/σ² and κ/σ², σ² has a closed form; the ratios are on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from space.errors import InputError

Floats = NDArray[np.float64]
LEVEL = 0.9
"""The coverage of intervals where nothing else is asked for."""
_DRAWS = 20_000
_GRID = 120
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Interval:
    """An estimate between ``low`` and ``high``; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Verification:
    """What is known of K networks after S fresh measurements of each; arrays have shape (K,), in the order given.

    ``means`` are the plain means over the seeds. ``accuracies`` are the corrected estimates, between ``lows`` and
    ``highs`` with probability ``level``. ``probabilities`` are those of being the best. ``best`` is the index of the
    network whose corrected estimate, times its factor, is highest. ``deviation`` is the standard deviation of one
    measurement between seeds. ``ranking`` is Kendall's τ-b between the search's scores and the networks' accuracies.
    """

    means: Floats
    accuracies: Floats
    lows: Floats
    highs: Floats
    probabilities: Floats
    best: int
    deviation: float
    ranking: Interval
    level: float
    seeds: int

    def luck(self, index: int, score: float) -> Interval:
        """By how much the search's ``score`` of network ``index`` is above its accuracy at the same fidelity.

        The search chose the network without knowing the fresh measurements, so their plain mean is not biased. The
        interval is Student's, with the variance pooled over the networks.
        """
        error = self.deviation / sqrt(self.seeds)
        reach = error * float(stdtrit(len(self.means) * (self.seeds - 1), (1 + self.level) / 2))
        luck = score - float(self.means[index])
        return Interval(luck, luck - reach, luck + reach)


def verify(
    measured: ArrayLike,
    scores: ArrayLike,
    *,
    factors: ArrayLike | None = None,
    level: float = LEVEL,
    step: float = 0.0,
) -> Verification:
    """The verification of ``measured``, shape (K, S): networks by fresh seeds, two or more of each.

    ``scores`` (K) are those that the search chose by; only ``ranking`` uses them, so that they may be of another fidelity.
    ``factors`` (K) turn an accuracy into what is to be highest (None: ones). ``step`` is the distance between two
    possible accuracies, one over the number of images: their rounding counts as noise, also where all are equal.

    The same numbers give the same result. Raises InputError for other shapes and for values that are not finite.
    """
    y, x = np.asarray(measured, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if y.ndim != 2 or min(y.shape) < 2 or not np.isfinite(y).all():
        raise InputError.of("measured", "finite numbers, two networks and two seeds or more", y.shape)
    if x.shape != y.shape[:1]:
        raise InputError.of("scores", f"one for each of {len(y)} networks", x.shape)
    if not 0 < level < 1:
        raise InputError.of("level", "a probability between 0 and 1", level)
    weights = np.ones(len(y)) if factors is None else np.asarray(factors, dtype=np.float64)
    means, grand = y.mean(axis=1), float(y.mean())
    posterior = _posterior(y, step)
    accuracies = grand + posterior.kept * (means - grand)
    tail = (1 - level) / 2
    lows, highs = np.quantile(posterior.draws, (tail, 1 - tail), axis=0)
    merits = posterior.draws * weights
    tops = merits == merits.max(axis=1, keepdims=True)
    return Verification(
        means,
        accuracies,
        lows,
        highs,
        (tops / tops.sum(axis=1, keepdims=True)).mean(axis=0),
        int(np.argmax(accuracies * weights)),
        posterior.deviation,
        _agreement(x, merits, level),
        level,
        y.shape[1],
    )


@dataclass(frozen=True, eq=False)
class _Posterior:
    """``draws`` of the networks' accuracies (draws, K), the share of their differences that is kept, and σ with ω."""

    draws: Floats
    kept: float
    deviation: float


def _posterior(y: Floats, step: float) -> _Posterior:
    networks, seeds = y.shape
    means, grand = y.mean(axis=1), float(y.mean())
    between = seeds * float(((means - grand) ** 2).sum())
    among = networks * float(((y.mean(axis=0) - grand) ** 2).sum())
    freedom = (networks - 1) * (seeds - 1)
    total = float(((y - grand) ** 2).sum())
    # Rounding to steps of d adds d²/12 to a variance (Sheppard 1898).
    rounding = freedom * step**2 / 12
    within = max(total - between - among, rounding, _NEGLIGIBLE * total)
    deviation = sqrt((within + among) / (networks * (seeds - 1)))
    rng = np.random.default_rng(0)
    if within == 0:
        return _Posterior(np.broadcast_to(means, (_DRAWS, networks)), 1.0, 0.0)
    noise = within / freedom
    of_networks = _grid(between / (networks - 1) / noise)[:, None]
    of_seeds = _grid(among / (seeds - 1) / noise)[None, :]
    squares = within + between / of_networks + among / of_seeds
    every = networks * seeds - 1
    # In steps of the ratios' logarithms, 1/λ is flat and the uniform shrinkage prior falls as 1/κ.
    log_weight = (
        -(networks - 1) / 2 * np.log(of_networks)
        - ((seeds - 1) / 2 + 1) * np.log(of_seeds)
        - every / 2 * np.log(squares)
    )
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    kept = 1 - float((weight / of_networks).sum())
    drawn = rng.choice(weight.size, _DRAWS, p=weight.ravel())
    rows, columns = np.unravel_index(drawn, weight.shape)
    variance = squares[rows, columns] / rng.chisquare(every, _DRAWS)
    share = 1 - 1 / of_networks[rows, 0]
    spread = rng.standard_normal((_DRAWS, networks))
    spread -= spread.mean(axis=1, keepdims=True)
    level = np.sqrt(of_seeds[0, columns] * variance / (networks * seeds)) * rng.standard_normal(_DRAWS)
    differences = share[:, None] * (means - grand) + np.sqrt(share * variance / seeds)[:, None] * spread
    return _Posterior(grand + level[:, None] + differences, kept, deviation)


def _grid(ratio: float) -> Floats:
    """Variance ratios from 1 to far beyond the one observed, evenly spaced in their logarithm."""
    return np.geomspace(1.0, 1e4 * max(ratio, 1.0), _GRID)


def _agreement(scores: Floats, merits: NDArray[Any], level: float) -> Interval:
    """Kendall's τ-b between the scores and the merits, which have no ties: its mean and interval over the draws."""
    first, second = np.triu_indices(len(scores), 1)
    order = np.sign(scores[first] - scores[second])
    told = float(np.abs(order).sum())
    if told == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    agreeing = np.sign(merits[:, first] - merits[:, second]) @ order
    taus = agreeing / np.sqrt(told * len(order))
    tail = (1 - level) / 2
    low, high = np.quantile(taus, (tail, 1 - tail))
    return Interval(float(taus.mean()), float(low), float(high))
