"""The networks of a search with all of their measurements: what they say of each, and which one the search names as best.

A search measures each network once, and the best ones again under fresh seeds: such trials, the repeats, have
``repeat_of``. The best of many single measurements is a lucky one. So a network's measurements are drawn towards what
networks of this search are like, the fewer they are the more (empirical Bayes; Efron & Morris 1975).

The model: measurement j of network i is y[i, j] = f[i] (x[i] + e), where f is what the objective makes of an accuracy (1,
or what the network's cost makes of it), e is normal with the variance σ² pooled over all networks with two measurements
or more, and f[i] x[i] is normal with mean m and variance τ². m is the median of the networks' means. τ² is taken
from the networks above it: the best are sought, and below the median come networks that failed to learn. The best may be
further from the others than a normal distribution has it. So in what is said of an answer, no mean of several measurements
is drawn further than by ``FARTHEST`` of its standard errors (the limited translation of Efron & Morris 1972). The choice goes without that limit: it
keeps single measurements back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from results.trial_result import Status, TrialResult

Floats = NDArray[np.float64]
LEVEL = 0.9
"""The coverage of the interval of an answer."""
FARTHEST = 1.0
_FEWEST = 8
"""Networks from which on their spread is estimated; fewer are not drawn together."""
_CONTENDERS, _DRAWS = 64, 4000


class Networks:
    """Takes trials in, in order of their numbers, and keeps count of each network's measurements.

    ``merit`` is the figure that the search maximises. Cache hits count for nothing, and so do networks over budget and stock
    networks, which the search did not find.
    A network that fell out of memory or diverged in a repeat is ``unsteady``.
    """

    def __init__(self, merit: str = "accuracy", trials: Iterable[TrialResult] = ()) -> None:
        self.merit = merit
        self.first: list[TrialResult] = []
        """The first trial of each network, in order."""
        self.counts: list[int] = []
        self.means: list[float] = []
        self.factors: list[float] = []
        self.unsteady: set[int] = set()
        self.failed: set[int] = set()
        """Positions of networks of which a repeat gave no result, for whatever reason."""
        self.freedom, self._squares = 0, 0.0
        self._position: dict[int, int] = {}
        for trial in trials:
            self.add(trial)

    def __len__(self) -> int:
        return len(self.first)

    def add(self, trial: TrialResult) -> None:
        """Counts a finished trial in."""
        if trial.stock is not None:
            return
        if trial.repeat_of is not None:
            at = self._position.get(trial.repeat_of)
            if at is not None:
                self._again(at, trial)
            return
        value = self.merit_of(trial)
        if trial.status is not Status.OK or trial.feasible is False or value is None or not isfinite(value):
            return
        reward = trial.values[0] if trial.values else value
        self._position[trial.number] = len(self.first)
        self.first.append(trial)
        self.counts.append(1)
        self.means.append(value)
        self.factors.append(reward / value if value > 0 else 1.0)

    def merit_of(self, trial: TrialResult) -> float | None:
        """The figure of a trial that the search maximises."""
        return trial.merit(self.merit)

    def position(self, number: int) -> int | None:
        """The position of the network that trial ``number`` measured first."""
        return self._position.get(number)

    def _again(self, at: int, trial: TrialResult) -> None:
        value = self.merit_of(trial)
        if trial.status is not Status.OK or value is None:
            self.failed.add(at)
            if trial.status in (Status.NAN, Status.OOM):
                self.unsteady.add(at)
            return
        # Welford's recurrence (1962) for mean and sum of squares.
        self.counts[at] += 1
        off = value - self.means[at]
        self.means[at] += off / self.counts[at]
        self._squares += off * (value - self.means[at])
        self.freedom += 1

    @property
    def repeated(self) -> bool:
        """Whether any network has two measurements or more."""
        return self.freedom > 0

    @property
    def deviation(self) -> float | None:
        """The standard deviation of one measurement between seeds, as an accuracy; None where nothing was repeated."""
        return sqrt(max(self._squares, 0.0) / self.freedom) if self.freedom else None

    def error(self, at: int) -> float | None:
        """The standard error of a network's mean; None where the noise is not known."""
        deviation = self.deviation
        return None if deviation is None else deviation / sqrt(self.counts[at])

    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """(means of the scores, measurements, factors), each of shape (networks,)."""
        factors = np.array(self.factors)
        return np.array(self.means) * factors, np.array(self.counts, dtype=np.float64), factors


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is known of each network's score: normal with ``means`` and ``deviations``, each of shape (networks,).

    ``deviations`` are 0 where there is no noise, or none is known.
    """

    means: Floats
    deviations: Floats

    @classmethod
    def of(cls, scores: Floats, counts: Floats, noise: Floats, farthest: float = inf) -> Posterior:
        """The posterior of networks with ``counts`` measurements each, whose mean is ``scores``.

        ``noise`` is the standard deviation of one measurement of each network. No mean of several
        measurements is drawn further than ``farthest`` of its standard errors; one that would be keeps its whole error.
        """
        errors = noise**2 / counts
        if len(scores) < _FEWEST:
            return cls(scores, np.sqrt(errors))
        middle = float(np.median(scores))
        above = scores >= middle
        spread = float(((scores[above] - middle) ** 2).mean())
        # Means scatter by noise, too. What is left of the spread is at least a tenth of it.
        between = max(spread - float(errors[above].mean()), 0.1 * spread)
        total = between + errors
        kept = np.divide(between, total, out=np.ones_like(total), where=total > 0)
        drawn = (1 - kept) * (scores - middle)
        most = np.full_like(errors, inf)
        again = counts > 1
        if isfinite(farthest):
            most[again] = farthest * np.sqrt(errors[again])
        within = np.abs(drawn) <= most
        return cls(scores - np.clip(drawn, -most, most), np.sqrt(np.where(within, kept * errors, errors)))


@dataclass(frozen=True)
class Answer:
    """The network that a search names as best: the first trial of it, and how sure that is.

    ``accuracy`` (or another merit) is the plain mean of ``measurements`` of it. Where the noise is known, ``error`` is the
    standard error of this mean, the network's accuracy lies between ``low`` and ``high`` with probability ``LEVEL`` by
    the module's model, and ``probability`` is that of no other network of the search being better. ``second`` is the trial
    of the next network, whose score is ``gap`` lower.
    """

    trial: TrialResult
    accuracy: float
    measurements: int = 1
    error: float | None = None
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    second: int | None = None
    gap: float | None = None

    def sentence(self) -> str:
        """How sure it is, in words; empty where nothing was repeated."""
        if self.error is None or self.low is None or self.high is None:
            return ""
        times = f"mean of {self.measurements}" if self.measurements > 1 else "measured once"
        said = f"{times}, ± {self.error:.4f}; {self.low:.4f} to {self.high:.4f} with probability {LEVEL:g}"
        if self.second is not None and self.gap is not None and self.probability is not None:
            said += f"; the best with probability {self.probability:.2f}, {self.gap:.4f} ahead of trial {self.second}"
        return said


def leader(networks: Networks) -> int | None:
    """The position of the network with the highest expected score; None where there is none.

    The earlier one is taken where scores are equal. A network that failed to train in a repeat leads only if all did.
    """
    if not len(networks):
        return None
    return int(np.argmax(_ranked(networks, _posterior(networks))))


def ranking(networks: Networks) -> list[int]:
    """The positions of all networks, the highest expected score first, as ``leader`` compares them."""
    if not len(networks):
        return []
    order: list[int] = np.argsort(-_ranked(networks, _posterior(networks)), kind="stable").tolist()
    return order


def answer(networks: Networks) -> Answer | None:
    """The network that leads, with how sure that is; None where there is none."""
    if not len(networks):
        return None
    posterior = _posterior(networks)
    ranked = _ranked(networks, posterior)
    order = np.argsort(-ranked, kind="stable")[:_CONTENDERS]
    order = order[np.isfinite(ranked[order])]
    top = int(order[0])
    plain = Answer(networks.first[top], networks.means[top], networks.counts[top])
    if not networks.repeated:
        return plain
    told = _posterior(networks, FARTHEST)
    low, high, best = _certainty(told.means[order], told.deviations[order], networks.freedom)
    second = int(order[1]) if len(order) > 1 else None
    return replace(
        plain,
        error=networks.error(top),
        low=max(0.0, low / networks.factors[top]),
        high=min(1.0, high / networks.factors[top]),
        probability=best,
        second=None if second is None else networks.first[second].number,
        gap=None if second is None else float(ranked[top] - ranked[second]),
    )


def _posterior(networks: Networks, farthest: float = inf) -> Posterior:
    """What is known of the networks' scores; the means alone where nothing was repeated."""
    scores, counts, factors = networks.arrays()
    deviation = networks.deviation
    if deviation is None:
        return Posterior(scores, np.zeros(len(scores)))
    return Posterior.of(scores, counts, deviation * factors, farthest)


def _ranked(networks: Networks, posterior: Posterior) -> Floats:
    """The expected scores by which networks are compared, −∞ for an unsteady one unless all are."""
    ranked = posterior.means.copy()
    if len(networks.unsteady) < len(networks):
        ranked[list(networks.unsteady)] = -np.inf
    return ranked


def _certainty(means: Floats, deviations: Floats, freedom: int) -> tuple[float, float, float]:
    """(low and high end of the first's interval, its probability of being the best).

    The variance of a measurement is itself drawn from what ``freedom`` repeats say of it, so that few of them give
    wide intervals. The same numbers give the same result.
    """
    rng = np.random.default_rng(0)
    scale = np.sqrt(freedom / rng.chisquare(freedom, _DRAWS))
    draws = means + scale[:, None] * deviations * rng.standard_normal((_DRAWS, len(means)))
    low, high = np.quantile(draws[:, 0], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    top = draws.max(axis=1, keepdims=True)
    share = (draws == top) / (draws == top).sum(axis=1, keepdims=True)
    return float(low), float(high), float(share[:, 0].mean())


def with_repeats(trials: Sequence[TrialResult], merit: str = "accuracy") -> tuple[TrialResult, ...]:
    """The trials, those of networks that were measured with ``repeats``, ``accuracy_mean`` and ``accuracy_sem``.

    Every complete trial of a network has the same three figures: its first one, its repeats and its cache hits. They
    are there only where the study has repeats.
    """
    if not any(trial.repeat_of is not None for trial in trials):
        return tuple(trials)
    networks = Networks(merit, trials)
    found = []
    for trial in trials:
        first = trial.number
        if trial.measured_by is not None:
            first = trial.measured_by
        elif trial.repeat_of is not None:
            first = trial.repeat_of
        at = networks.position(first) if trial.status.complete else None
        if trial.stock is not None and trial.status.complete:
            trial = trial.replace(
                repeats=0, accuracy_mean=networks.merit_of(trial), accuracy_sem=networks.deviation
            )
        elif at is not None:
            trial = trial.replace(
                repeats=networks.counts[at] - 1,
                accuracy_mean=networks.means[at],
                accuracy_sem=networks.error(at),
            )
        found.append(trial)
    return tuple(found)
