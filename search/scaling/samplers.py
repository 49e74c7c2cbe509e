"""Samplers of a search for α, β, γ: EfficientNet's grid in order, or few candidates chosen by an accuracy law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Protocol

import numpy as np

from results.trial_result import TrialResult
from search.samplers.protocol import Sampler
from search.scaling.candidate_space import decisions_for, label_of
from search.scaling.candidates import ScalingCandidate
from search.scaling.informative_point import informative_point
from search.scaling.law_fit import LawFit
from search.scaling.measurements import Measured, fit_measured, pooled_deviation
from search.scaling.optimum import EXPONENTS
from space.errors import InputError
from space.search_space import Decisions

_DEFAULT_NOISE = 1.0
"""Points; the noise of one measurement where there is one seed only."""


class ScalingSampler(Sampler, Protocol):
    """A sampler of (candidate, seed). ``stopped`` says why it ended the search by itself; empty if it did not."""

    stopped: str


class GridSampler:
    """Every candidate with the first seed, then with the second, and so on; results change nothing."""

    novel = False
    learns = False
    patience: int | None = None

    def __init__(self, labels: Sequence[str], seeds: Sequence[int]) -> None:
        self._order = [decisions_for(label, seed) for seed in seeds for label in labels]
        self.stopped = ""

    def propose(self, number: int) -> Iterator[Decisions]:
        """Trial ``number`` of the order."""
        return iter(self._order[number : number + 1])

    def begin(self, number: int, decisions: Decisions) -> None:
        """Nothing to remember."""

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


class LawSampler:
    """A first design, then always the candidate whose accuracy says most about α, β, γ by the fitted law.

    Every candidate is trained with every seed. The search ends when every interval, as a share of what the
    growth allows, is at most ``narrow``, or after ``most`` candidates.
    """

    novel = False
    learns = True
    patience: int | None = None

    def __init__(
        self,
        candidates: Sequence[ScalingCandidate],
        first: Sequence[str],
        seeds: Sequence[int],
        *,
        growth: float = 2.0,
        narrow: float = 0.35,
        most: int = 16,
        resamples: int = 100,
    ) -> None:
        self._candidates = tuple(candidates)
        self._seeds, self._growth, self._narrow, self._most = tuple(seeds), growth, narrow, most
        self._resamples = resamples
        self._order: list[Decisions] = []
        self._measured: list[Measured] = []
        self.stopped = ""
        for label in first:
            self._take(label)

    def _take(self, label: str) -> None:
        self._order += [decisions_for(label, seed) for seed in self._seeds]

    def propose(self, number: int) -> Iterator[Decisions]:
        """The next training; a new candidate is chosen when all trainings of the chosen ones have started."""
        if number >= len(self._order):
            label = self._choose()
            if label is None:
                return
            self._take(label)
        yield self._order[number]

    def begin(self, number: int, decisions: Decisions) -> None:
        """Takes the candidate of a stored trial into the order."""
        if number >= len(self._order):
            self._take(label_of(decisions))

    def tell(self, result: TrialResult) -> None:
        """Remembers a measured accuracy."""
        if result.values is not None:
            self._measured.append((label_of(result.decisions), result.values[0]))

    def _choose(self) -> str | None:
        """The label of the next candidate, a function of the results so far; None to stop."""
        chosen = {label_of(decisions) for decisions in self._order}
        left = [c for c in self._candidates if c.label not in chosen]
        if not left or len(chosen) >= self._most:
            self.stopped = f"{len(chosen)} candidates were trained"
            return None
        try:
            fit = fit_measured(self._measured, self._candidates, self._growth, self._resamples)
        except InputError:
            return left[0].label
        widest = widest_share(fit)
        if widest <= self._narrow:
            self.stopped = f"every interval is within {widest:.0%} of what the growth allows"
            return None
        noise = 100 * pooled_deviation(self._measured) / sqrt(len(self._seeds)) or _DEFAULT_NOISE
        best, _ = informative_point(fit, np.array([c.multipliers for c in left]), noise)
        return left[best].label


def widest_share(fit: LawFit) -> float:
    """The widest interval of ``fit`` as a share of what the growth allows for that coefficient."""
    shares = [
        (pair[1] - pair[0]) / (fit.growth ** (1 / EXPONENTS[j]) - 1)
        for j, pair in enumerate(fit.intervals)
        if pair is not None
    ]
    return max(shares, default=1.0)
