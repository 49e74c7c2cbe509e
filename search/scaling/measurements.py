"""What a study has measured of scaling candidates: (label, accuracy) pairs, their noise, and the law fitted to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import numpy as np

from results.trial_result import TrialResult
from search.scaling.candidate_space import label_of
from search.scaling.candidates import ScalingCandidate
from search.scaling.law_fit import LawFit, fit_law
from search.scaling.points import DIMENSIONS, Points

Measured = tuple[str, float]
"""A candidate's label and the accuracy of one training of it, a fraction."""


def measured(results: Iterable[TrialResult]) -> list[Measured]:
    """One pair for every finished training of a study; cache hits are not counted again."""
    return [
        (label_of(result.decisions), result.accuracy)
        for result in results
        if result.trained_here and result.status.complete and result.accuracy is not None
    ]


def by_label(pairs: Iterable[Measured]) -> dict[str, list[float]]:
    """The accuracies of each candidate, in order."""
    groups: dict[str, list[float]] = {}
    for label, accuracy in pairs:
        groups.setdefault(label, []).append(accuracy)
    return groups


def pooled_deviation(pairs: Iterable[Measured]) -> float:
    """The standard deviation of one training between seeds, pooled over candidates; 0 with one seed each."""
    groups = by_label(pairs)
    squares = sum(float(np.var(g)) * len(g) for g in groups.values())
    freedom = sum(len(g) - 1 for g in groups.values())
    return sqrt(squares / freedom) if freedom else 0.0


def fit_measured(
    pairs: Iterable[Measured], candidates: Sequence[ScalingCandidate], growth: float, resamples: int = 200
) -> LawFit:
    """The law fitted to what was measured. Raises InputError where that is too little."""
    multipliers = {c.label: c.multipliers for c in candidates}
    rows = [
        {**dict(zip(DIMENSIONS, multipliers[label], strict=True)), "accuracy": accuracy}
        for label, accuracy in pairs
    ]
    return fit_law(Points.of(rows), growth=growth, resamples=resamples)
