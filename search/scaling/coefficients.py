"""α, β and γ out of accuracies: fit a law to scaled networks, then read the best direction off it.

Tan & Le 2019 found (1.2, 1.1, 1.15) by training a grid of networks. The same numbers follow from fewer
trainings when accuracy is modelled as a function of the multipliers: fit the laws of ``search.scaling.laws``,
keep the one that predicts left-out points best, and maximise it over depth·width²·resolution² = 2.

Points are few, so the answer comes with what it is worth: bootstrap intervals in which the priors are
redrawn too (a direction that only the prior holds in place shows as a wide interval), every law's
leave-one-out error, and a statement in words of what the points cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.scaling.laws import LAWS, Array, Law
from search.scaling.points import DIMENSIONS, Points
from space.errors import InputError, UnknownNameError

GREEK = ("alpha", "beta", "gamma")
EXPONENTS = np.array([1.0, 2.0, 2.0])
"""The power of each multiplier in the MACs of ordinary convolutions (Tan & Le 2019, eq. 3)."""

LEVEL = 0.9
_NOISE_RANGE = (0.1, 5.0)
_MOST_FOLDS = 100


@dataclass(frozen=True)
class Sample:
    """One bootstrap fit: its law, parameters, and α, β, γ (NaN where never varied)."""

    law: str
    theta: Array
    coefficients: Array


@dataclass(frozen=True)
class Score:
    """How one law did: points of root mean squared error, on the points and on left-out ones."""

    law: str
    free: int
    rmse: float
    loo_rmse: float
    coefficients: tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class LawFit:
    """A fitted law and the coefficients read off it.

    ``coefficients`` and ``intervals`` (at LEVEL) are in the order α, β, γ, None where the dimension was
    never varied. Errors are in points (percent). ``samples`` are the bootstrap's fits.
    """

    law: str
    parameters: dict[str, float]
    formula: str
    growth: float
    coefficients: tuple[float | None, float | None, float | None]
    intervals: tuple[tuple[float, float] | None, ...]
    rmse: float
    loo_rmse: float
    points: int
    scores: tuple[Score, ...]
    statement: tuple[str, ...]
    theta: Array = field(repr=False)
    samples: tuple[Sample, ...] = field(repr=False)
    varied: tuple[int, ...] = (0, 1, 2)

    def predict(self, multipliers: Array) -> Array:
        """Accuracies (fractions) of networks with these multipliers, shape (n, 3)."""
        x = np.log(np.asarray(multipliers, dtype=np.float64)[:, self.varied])
        return LAWS[self.law].predict(self.theta, x) / 100

    def to_dict(self) -> dict[str, Any]:
        """Everything but the samples, as plain values under the names that ``--format json`` prints."""
        return {
            **dict(zip(GREEK, self.coefficients, strict=True)),
            "intervals": {
                name: None if pair is None else list(pair)
                for name, pair in zip(GREEK, self.intervals, strict=True)
            },
            "interval_level": LEVEL,
            "growth": self.growth,
            "law": self.law,
            "formula": self.formula,
            "parameters": self.parameters,
            "rmse": self.rmse,
            "loo_rmse": self.loo_rmse,
            "error_unit": "percentage points",
            "points": self.points,
            "laws": [
                {
                    "law": s.law,
                    "free": s.free,
                    "rmse": s.rmse,
                    "loo_rmse": s.loo_rmse,
                    **dict(zip(GREEK, s.coefficients, strict=True)),
                }
                for s in self.scores
            ],
            "statement": list(self.statement),
        }


def fit_law(
    points: Points,
    *,
    law: str = "auto",
    growth: float = 2.0,
    resamples: int = 200,
    seed: int = 0,
) -> LawFit:
    """The law that predicts left-out points best (or the one named), and α, β, γ read off it.

    ``growth`` is the budget of one step of φ, α·β²·γ². Raises InputError where fewer than two dimensions
    vary or the points are too few, saying how many and which kind are missing.
    """
    if law != "auto" and law not in LAWS:
        raise UnknownNameError("law", law, ["auto", *LAWS])
    if not growth > 1:
        raise InputError.of("growth", "a number above 1", growth)
    _check_enough(points)
    x = np.log(points.multipliers[:, points.varied])
    y = 100 * points.accuracy
    names = ("auto", *LAWS) if law == "auto" else (law,)
    candidates = [LAWS[n] for n in names if n in LAWS and len(points.distinct) > LAWS[n].free(x.shape[1])]
    if not candidates:
        wanted = LAWS[law].free(x.shape[1]) + 1
        raise InputError.of("points", f"{wanted} distinct networks for the {law} law", len(points.distinct))
    # The priors weigh against the noise, which is known only after a fit: once more with what was found.
    sigma = 0.25
    for starts in (0, 1):
        fits = {c.name: _cross_validated(c, x, y, points, sigma, starts) for c in candidates}
        best = min(fits.values(), key=lambda f: f.loo_rmse)
        sigma = float(np.clip(best.rmse, *_NOISE_RANGE))
    scores = tuple(
        Score(
            n, LAWS[n].free(x.shape[1]), f.rmse, f.loo_rmse, _optimum(LAWS[n], f.theta, points.varied, growth)
        )
        for n, f in sorted(fits.items(), key=lambda item: item[1].loo_rmse)
    )
    chosen = LAWS[scores[0].law]
    theta = fits[chosen.name].theta
    thetas = {name: found.theta for name, found in fits.items()}
    samples = _bootstrap(scores, thetas, x, y, sigma, points.varied, growth, resamples, seed)
    intervals = _intervals(samples)
    dimension_names = [DIMENSIONS[j] for j in points.varied]
    return LawFit(
        law=chosen.name,
        parameters=chosen.describe(theta, dimension_names),
        formula=chosen.formula,
        growth=growth,
        coefficients=scores[0].coefficients,
        intervals=intervals,
        rmse=scores[0].rmse,
        loo_rmse=scores[0].loo_rmse,
        points=len(points),
        scores=scores,
        statement=_statement(points, chosen, theta, scores, intervals, growth),
        theta=theta,
        samples=samples,
        varied=points.varied,
    )


def _check_enough(points: Points) -> None:
    """Raises InputError unless the points can carry a law, with what is missing."""
    varied = points.varied
    distinct = points.distinct
    if len(varied) < 2:
        fixed = [
            f"{d} ({g})" for j, (d, g) in enumerate(zip(DIMENSIONS, GREEK, strict=True)) if j not in varied
        ]
        raise InputError(
            f"points: wanted two or more dimensions that vary, got "
            f"{DIMENSIONS[varied[0]] + ' alone' if varied else 'none'}: never varied are {', '.join(fixed)}, "
            f"so no coefficient can be told"
        )
    wanted = min(law.free(len(varied)) for law in LAWS.values()) + 1
    if len(distinct) >= wanted:
        return
    base = np.median(distinct, axis=0) if not _has_base(distinct) else np.ones(3)
    moved = np.abs(distinct - base) > 1e-9
    lacking = [f"{DIMENSIONS[j]} alone" for j in varied if not np.any(moved[:, j] & (moved.sum(axis=1) == 1))]
    if not np.any(moved.sum(axis=1) >= 2):
        lacking.append("several dimensions at once")
    kinds = f"; none changes {', nor '.join(lacking)}" if lacking else "; any further kind will do"
    raise InputError(
        f"points: wanted {wanted} or more distinct networks for a law in {', '.join(DIMENSIONS[j] for j in varied)}, "
        f"got {len(distinct)}: {wanted - len(distinct)} missing{kinds}"
    )


def _has_base(distinct: Array) -> bool:
    return bool(np.any(np.all(np.abs(distinct - 1) < 1e-9, axis=1)))


@dataclass(frozen=True)
class _Validated:
    theta: Array
    rmse: float
    loo_rmse: float


def _cross_validated(law: Law, x: Array, y: Array, points: Points, sigma: float, starts: int) -> _Validated:
    """A fit on all points, and the errors of fits without each network in turn (all its rows at once).

    Beyond _MOST_FOLDS networks several are left out together.
    """
    theta = law.fit(x, y, sigma)
    rmse = float(np.sqrt(np.mean((law.predict(theta, x) - y) ** 2)))
    groups = np.unique(points.multipliers.round(9), axis=0, return_inverse=True)[1].reshape(-1)
    groups %= _MOST_FOLDS
    left_out = np.empty(len(y))
    for group in range(groups.max() + 1):
        out = groups == group
        without = law.fit(x[~out], y[~out], sigma, starts=starts, start=theta)
        left_out[out] = law.predict(without, x[out]) - y[out]
    return _Validated(theta, rmse, float(np.sqrt(np.mean(left_out**2))))


@lru_cache(maxsize=8)
def _simplex(k: int, steps: int) -> Array:
    """All ways to share 1 among ``k`` dimensions in units of 1/steps, shape (m, k)."""
    if k == 2:
        first = np.arange(steps + 1)
        return np.stack([first, steps - first], axis=1) / steps
    grid = [(i, j, steps - i - j) for i in range(steps + 1) for j in range(steps + 1 - i)]
    return np.array(grid) / steps


def _multipliers(shares: Array, varied: tuple[int, ...], growth: float) -> Array:
    """Log multipliers of the varied dimensions that spend ``growth`` in these shares."""
    return np.asarray(shares * np.log(growth) / EXPONENTS[list(varied)], dtype=np.float64)


def _optimum_shares(law: Law, theta: Array, varied: tuple[int, ...], growth: float) -> Array:
    """The shares of the budget (log-MACs) at which the law predicts the most, to about 1 in 1000."""
    shares = _simplex(len(varied), 40)
    best = shares[int(np.argmax(law.predict(theta, _multipliers(shares, varied, growth))))]
    offsets = _simplex(len(varied), 12) - 1 / len(varied)
    for width in (0.1, 0.02):
        near = best + width * np.concatenate([offsets, -offsets, np.zeros((1, len(varied)))])
        near = near[np.all(near >= -1e-12, axis=1)].clip(0)
        best = near[int(np.argmax(law.predict(theta, _multipliers(near, varied, growth))))]
    return np.asarray(best, dtype=np.float64)


def _optimum(
    law: Law, theta: Array, varied: tuple[int, ...], growth: float
) -> tuple[float | None, float | None, float | None]:
    """α, β, γ where the law is best at α·β²·γ² = growth; None for dimensions never varied."""
    found = np.exp(_multipliers(_optimum_shares(law, theta, varied, growth), varied, growth))
    values: list[float | None] = [None, None, None]
    for j, value in zip(varied, found, strict=True):
        values[j] = float(value)
    return values[0], values[1], values[2]


def _bootstrap(
    scores: Sequence[Score],
    thetas: Mapping[str, Array],
    x: Array,
    y: Array,
    sigma: float,
    varied: tuple[int, ...],
    growth: float,
    resamples: int,
    seed: int,
) -> tuple[Sample, ...]:
    """Fits to accuracies redrawn around the laws, with redrawn priors.

    Laws take part in proportion to their leave-one-out error to the power −n (pseudo-Bayesian model
    averaging, Geisser & Eddy 1979), so a close rival widens the intervals. The noise is the residuals' root
    mean square, corrected for the numbers that the fit consumed.
    """
    weights = np.array([(scores[0].loo_rmse / max(s.loo_rmse, 1e-9)) ** len(y) for s in scores])
    samples = []
    for index in range(resamples):
        rng = np.random.default_rng((seed, index))
        score = scores[int(rng.choice(len(scores), p=weights / weights.sum()))]
        law, theta = LAWS[score.law], thetas[score.law]
        spare = max(len(y) - score.free, len(y) / 3)
        noise = max(score.rmse * float(np.sqrt(len(y) / spare)), 0.02)
        redrawn = np.minimum(law.predict(theta, x) + rng.normal(0, noise, len(y)), 99.99)
        found = law.fit(x, redrawn, max(sigma, noise), starts=0, start=theta, rng=rng)
        shares = _optimum_shares(law, found, varied, growth)
        coefficients = np.full(3, np.nan)
        coefficients[list(varied)] = np.exp(_multipliers(shares, varied, growth))
        samples.append(Sample(law.name, found, coefficients))
    return tuple(samples)


def _intervals(samples: Sequence[Sample]) -> tuple[tuple[float, float] | None, ...]:
    if not samples:
        return (None, None, None)
    table = np.stack([sample.coefficients for sample in samples])
    tail = 50 * (1 - LEVEL)
    return tuple(
        None
        if np.isnan(table[0, j])
        else (float(np.percentile(table[:, j], tail)), float(np.percentile(table[:, j], 100 - tail)))
        for j in range(3)
    )


def _statement(
    points: Points,
    law: Law,
    theta: Array,
    scores: tuple[Score, ...],
    intervals: tuple[tuple[float, float] | None, ...],
    growth: float,
) -> tuple[str, ...]:
    """Sentences on what these points can and cannot tell apart."""
    varied = points.varied
    lines = [
        f"{DIMENSIONS[j]} is never varied: {GREEK[j]} cannot be told, and the other coefficients hold for "
        f"{GREEK[j]} = 1."
        for j in range(3)
        if j not in varied
    ]
    logs = np.log(points.distinct[:, list(varied)])
    spread = np.linalg.svd(logs - logs.mean(axis=0), compute_uv=False)
    if spread[-1] < 0.08 * spread[0]:
        lines.append(
            "The points lie almost on one curve through (depth, width, resolution): they tell how accuracy "
            "grows along it, not how to divide a budget among the dimensions."
        )
    deviation = float(np.std(100 * points.accuracy))
    if scores[0].loo_rmse > deviation:
        lines.append(
            f"No law predicts a left-out point better than the mean of the others would: its error is "
            f"{scores[0].loo_rmse:.2f} points, the accuracies' own deviation {deviation:.2f}."
        )
    for j in varied:
        pair = intervals[j]
        widest = growth ** (1 / EXPONENTS[j])
        if pair is not None and pair[1] - pair[0] > 0.5 * (widest - 1):
            lines.append(
                f"{GREEK[j]} is hardly determined: its {LEVEL:.0%} interval {pair[0]:.2f}–{pair[1]:.2f} covers "
                f"{(pair[1] - pair[0]) / (widest - 1):.0%} of what a growth of {growth:g} allows (1–{widest:.2f})."
            )
    shares = _simplex(len(varied), 40)
    predicted = law.predict(theta, _multipliers(shares, varied, growth))
    close = np.exp(_multipliers(shares[predicted > predicted.max() - scores[0].rmse], varied, growth))
    ranges = ", ".join(
        f"{GREEK[j]} {close[:, i].min():.2f}–{close[:, i].max():.2f}" for i, j in enumerate(varied)
    )
    lines.append(
        f"Within one RMSE ({scores[0].rmse:.2f} points) of the best predicted accuracy lie {ranges}: no single "
        f"network at φ = 1 can tell these apart."
    )
    edge = np.exp(_multipliers(np.eye(len(varied)), varied, growth)).max(axis=0)
    reach = points.multipliers[:, list(varied)].max(axis=0)
    outside = [DIMENSIONS[j] for i, j in enumerate(varied) if reach[i] < min(1.05, edge[i])]
    if outside:
        lines.append(f"No point is scaled up in {', '.join(outside)}: the coefficients extrapolate the law.")
    if len(scores) > 1 and scores[1].loo_rmse < 1.15 * scores[0].loo_rmse:
        rival = scores[1]
        told = ", ".join(
            f"{g} {c:.2f}" for g, c in zip(GREEK, rival.coefficients, strict=True) if c is not None
        )
        lines.append(
            f"The {rival.law} law predicts left-out points about as well ({rival.loo_rmse:.2f} against "
            f"{scores[0].loo_rmse:.2f} points) and says {told}."
        )
    return tuple(lines)


def paper_grid(
    step: float = 0.05,
    tolerance: float = 0.1,
    growth: float = 2.0,
    largest: float | None = None,
    smallest: float = 1.0,
) -> list[tuple[float, float, float]]:
    """All (α, β, γ) on a grid from ``smallest`` with |α·β²·γ² − growth| ≤ tolerance, in order.

    The bounds of the tolerance count in. The paper states neither its step nor its tolerance; with 0.05 and
    0.1 there are 111 candidates, (1.2, 1.1, 1.15) among them. Raises InputError where none is left.
    """
    if not step > 0:
        raise InputError.of("step", "a positive step", step)
    if not tolerance >= 0:
        raise InputError.of("tolerance", "0 or more", tolerance)
    if not smallest >= 1:
        raise InputError.of("smallest", "a coefficient of 1 or more", smallest)
    if not growth > 1:
        raise InputError.of("growth", "a number above 1", growth)
    top = growth + tolerance
    limit = top if largest is None else largest
    axis = [round(smallest + i * step, 10) for i in range(int((limit - smallest) / step + 1e-9) + 1)]
    found = [
        (a, b, c)
        for a in axis
        for b in axis
        for c in axis
        if abs(a * b * b * c * c - growth) <= tolerance + 1e-9
    ]
    if not found:
        raise InputError.of(
            "step, tolerance", "a grid with at least one candidate", f"step {step:g}, tolerance {tolerance:g}"
        )
    return found


def informative_point(
    fit: LawFit, candidates: NDArray[np.float64], noise: float
) -> tuple[int, NDArray[np.float64]]:
    """The candidate whose accuracy says most about α, β, γ, and the share of variance it would remove.

    ``candidates`` are multipliers, shape (n, 3); ``noise`` is the standard deviation, in points, of one
    measurement. Over the bootstrap samples, observing y at x removes Cov(θ, y)² / (Var y + noise²) of the
    variance of each coefficient θ, to first order (a linear Gaussian update).
    """
    x = np.log(candidates[:, list(fit.varied)])
    predicted = np.stack([LAWS[s.law].predict(s.theta, x) for s in fit.samples])  # (samples, n)
    coefficients = np.stack([s.coefficients[list(fit.varied)] for s in fit.samples])  # (samples, k)
    centred = predicted - predicted.mean(axis=0)
    told = coefficients - coefficients.mean(axis=0)
    covariance = told.T @ centred / len(centred)  # (k, n)
    gain = covariance**2 / (centred.var(axis=0) + noise**2)
    share = gain / np.maximum(told.var(axis=0), 1e-12)[:, None]
    total = share.sum(axis=0)
    return int(np.argmax(total)), np.asarray(share.T, dtype=np.float64)
