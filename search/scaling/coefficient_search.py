"""Searches for α, β, γ by training: the paper's grid, or few points chosen by an accuracy law.

Both are searchers for the one loop (``search.loop``). What they end with is a ranking with intervals:
the winner of a grid is a statistical claim, so the networks that the noise cannot tell from it are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.stats import t as student

from results.trial_result import TrialResult
from search.scaling.candidates import NOT_RACING, Contender
from search.scaling.coefficients import EXPONENTS, LEVEL, LawFit, fit_law, informative_point
from search.scaling.points import DIMENSIONS, Points
from space.errors import InputError
from space.search_space import Decisions

_DEFAULT_NOISE = 1.0


class GridOrder:
    """Every contender with the first seed, then with the second, and so on; nothing is learnt."""

    novel = False
    learns = False
    patience: int | None = None

    def __init__(self, labels: Sequence[str], seeds: Sequence[int]) -> None:
        self._order: list[Decisions] = [{"contender": c, "seed": s} for s in seeds for c in labels]

    def propose(self, number: int) -> Iterator[Decisions]:
        """Trial ``number`` of the order."""
        return iter(self._order[number : number + 1])

    def begin(self, number: int, decisions: Decisions) -> None:
        """Nothing to remember."""

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


class LawGuided:
    """A first design, then always the contender whose accuracy says most about α, β, γ by the fitted law.

    Every contender is trained with every seed. The stream ends when every interval, as a share of what the
    growth allows, is at most ``narrow``, or after ``most`` contenders.
    """

    novel = False
    learns = True
    patience: int | None = None

    def __init__(
        self,
        contenders: Sequence[Contender],
        first: Sequence[str],
        seeds: Sequence[int],
        *,
        growth: float = 2.0,
        narrow: float = 0.35,
        most: int = 16,
        resamples: int = 100,
    ) -> None:
        self._contenders = {c.label: c for c in contenders}
        self._seeds, self._growth, self._narrow, self._most = tuple(seeds), growth, narrow, most
        self._resamples = resamples
        self._order: list[Decisions] = []
        self._measured: list[tuple[str, float]] = []
        self.stopped = ""
        for label in first:
            self._take(label)

    def _take(self, label: str) -> None:
        self._order += [{"contender": label, "seed": seed} for seed in self._seeds]

    def propose(self, number: int) -> Iterator[Decisions]:
        """The next training; a new contender is chosen when the chosen ones are all under way."""
        if number >= len(self._order):
            label = self._choose(number)
            if label is None:
                return
            self._take(label)
        yield self._order[number]

    def begin(self, number: int, decisions: Decisions) -> None:
        """Takes a stored trial's contender into the order."""
        if number >= len(self._order):
            self._take(str(decisions["contender"]))

    def tell(self, result: TrialResult) -> None:
        """A measured accuracy."""
        if result.values is not None:
            self._measured.append((str(result.decisions["contender"]), result.values[0]))

    def _choose(self, number: int) -> str | None:
        """The next contender, the same for the same ``number`` and results; None to stop."""
        chosen = {str(d["contender"]) for d in self._order}
        left = [c for c in self._contenders.values() if c.label not in chosen]
        if not left or len(chosen) >= self._most:
            self.stopped = f"{len(chosen)} contenders were trained"
            return None
        try:
            fit = fit_law(
                _points(self._measured, self._contenders), growth=self._growth, resamples=self._resamples
            )
        except InputError:
            return left[0].label
        widths = widest_share(fit)
        if widths <= self._narrow:
            self.stopped = f"every interval is within {widths:.0%} of what the growth allows"
            return None
        noise = 100 * pooled_deviation(self._measured) / sqrt(len(self._seeds)) or _DEFAULT_NOISE
        best, _ = informative_point(fit, np.array([c.multipliers for c in left]), noise)
        return left[best].label


def widest_share(fit: LawFit) -> float:
    """The widest interval of ``fit`` as a share of what the growth allows that coefficient."""
    shares = [
        (pair[1] - pair[0]) / (fit.growth ** (1 / EXPONENTS[j]) - 1)
        for j, pair in enumerate(fit.intervals)
        if pair is not None
    ]
    return max(shares, default=1.0)


def _points(measured: Iterable[tuple[str, float]], contenders: dict[str, Contender]) -> Points:
    rows = [
        {
            **dict(zip(DIMENSIONS, contenders[label].multipliers, strict=True)),
            "accuracy": a,
        }
        for label, a in measured
    ]
    return Points.of(rows)


def pooled_deviation(results: Iterable[tuple[str, float]]) -> float:
    """The standard deviation of one training between seeds, pooled over contenders; 0 with one seed each."""
    groups: dict[str, list[float]] = {}
    for label, accuracy in results:
        groups.setdefault(label, []).append(accuracy)
    squares = sum(float(np.var(g)) * len(g) for g in groups.values())
    freedom = sum(len(g) - 1 for g in groups.values())
    return sqrt(squares / freedom) if freedom else 0.0


@dataclass(frozen=True)
class Ranking:
    """Contenders by mean accuracy.

    ``rows`` hold label, kind, α, β, γ, φ, macs, mean accuracy, ``low`` and ``high`` (intervals at LEVEL by
    Student's t on the pooled deviation), seeds, ``best_share`` (how often it comes out best when the means
    are redrawn with the noise) and ``tied`` (not told from the winner at LEVEL). ``deviation`` is that of one
    training. ``lead`` is the best compound's mean accuracy minus the best single dimension's, with its interval.
    With one seed each there is no noise to go by, and all of these are None.
    """

    rows: list[dict[str, Any]]
    deviation: float
    freedom: int
    lead: tuple[float, float, float] | None


def rank(results: Sequence[tuple[str, float]], contenders: Sequence[Contender], draws: int = 4000) -> Ranking:
    """The ranking of measured (label, accuracy) pairs. The base and smaller ones are listed but do not compete.

    Candidates that round to the same network are one contender, under the first one's label.
    """
    by_label = {c.label: c for c in contenders}
    stands_for: dict[str, list[str]] = {}
    for contender in contenders:
        stands_for.setdefault(contender.architecture.key, []).append(contender.label)
    first = {label: same[0] for same in stands_for.values() for label in same}
    results = [(first[label], accuracy) for label, accuracy in results]
    groups: dict[str, list[float]] = {}
    for label, accuracy in results:
        groups.setdefault(label, []).append(accuracy)
    deviation = pooled_deviation(results)
    freedom = sum(len(g) - 1 for g in groups.values())
    factor = float(student.ppf(0.5 + LEVEL / 2, freedom)) if freedom else 0.0
    order = sorted(groups, key=lambda label: -float(np.mean(groups[label])))
    racing = [label for label in order if by_label[label].kind not in NOT_RACING]
    shares = _best_shares([groups[label] for label in racing], deviation, draws)
    rows = []
    for label in order:
        contender, values = by_label[label], groups[label]
        mean = float(np.mean(values))
        error = factor * deviation / sqrt(len(values))
        gap = float(np.mean(groups[racing[0]])) - mean if racing else 0.0
        apart = factor * deviation * sqrt(1 / len(values) + 1 / len(groups[racing[0]])) if racing else 0.0
        rows.append(
            {
                "contender": label,
                "kind": contender.kind,
                **dict(zip(("alpha", "beta", "gamma"), contender.coefficients, strict=True)),
                "phi": contender.phi,
                **dict(zip(("depth", "width"), contender.multipliers[:2], strict=True)),
                "resolution": contender.architecture.resolution,
                "macs": contender.macs,
                "accuracy": mean,
                "low": mean - error if freedom else None,
                "high": mean + error if freedom else None,
                "seeds": len(values),
                "best_share": shares[racing.index(label)] if freedom and label in racing else None,
                "tied": bool(gap <= apart) if freedom and label in racing else None,
                "moves": "; ".join(contender.moves),
                "same_network": "; ".join(stands_for[contender.architecture.key][1:]),
            }
        )
    return Ranking(rows, deviation, freedom, _lead(rows, deviation, factor) if freedom else None)


def _best_shares(groups: Sequence[list[float]], deviation: float, draws: int) -> list[float]:
    rng = np.random.default_rng(0)
    means = np.array([np.mean(g) for g in groups])
    errors = deviation / np.sqrt([len(g) for g in groups])
    winners = np.argmax(means + errors * rng.standard_normal((draws, len(groups))), axis=1)
    return [float(np.mean(winners == index)) for index in range(len(groups))]


def _lead(
    rows: Sequence[dict[str, Any]], deviation: float, factor: float
) -> tuple[float, float, float] | None:
    """(difference, low, high) of the best compound contender against the best single dimension.

    The two are the best of their groups, so the difference favours the larger group a little.
    """
    compound = [row for row in rows if row["kind"] == "compound"]
    singles = [row for row in rows if row["kind"] in ("depth", "width", "resolution")]
    if not compound or not singles:
        return None
    gap = compound[0]["accuracy"] - singles[0]["accuracy"]
    error = factor * deviation * sqrt(1 / compound[0]["seeds"] + 1 / singles[0]["seeds"])
    return gap, gap - error, gap + error


def measured(results: Iterable[TrialResult]) -> list[tuple[str, float]]:
    """(label, accuracy) of every finished training of a study; answers from the store are not counted again."""
    return [
        (str(result.decisions["contender"]), result.accuracy)
        for result in results
        if result.trained_here and result.status.complete and result.accuracy is not None
    ]


def law_of(
    results: Sequence[tuple[str, float]], contenders: Sequence[Contender], growth: float, resamples: int = 200
) -> LawFit:
    """The law fitted to what was measured. Raises InputError where that is too little."""
    return fit_law(_points(results, {c.label: c for c in contenders}), growth=growth, resamples=resamples)
