"""What one family tells about another: errors of predictions for a family of which only the base of each series is known."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.scaling.families import FamilyPoints, fit_families
from search.scaling.laws import Array


@dataclass(frozen=True)
class LeftOut:
    """Root mean squared errors in points of accuracy for one family.

    ``pooled`` by the elasticities of all the others, ``single`` by those of each other family alone, ``points`` is how many networks were predicted.
    """

    family: Hashable
    points: int
    pooled: float
    single: dict[Hashable, float]


def left_out(points: FamilyPoints, family: Hashable) -> LeftOut:
    """The errors for ``family``, each series of which tells the accuracy of its base: the network nearest to multipliers of 1."""
    mine = np.array([one == family for one in points.family])
    held, others = points.only(mine), points.only(~mine)
    names = others.families
    single = {}
    for name in names:
        donor = others.only(np.array([one == name for one in others.family]))
        single[name] = _rmse(held, donor)
    return LeftOut(family, int((~_bases(held)).sum()), _rmse(held, others), single)


def _rmse(held: FamilyPoints, known: FamilyPoints) -> float:
    fit = fit_families(known)
    relative = fit.log_ratio(fit.pooled.mean, held.multipliers)
    base = _bases(held)
    predicted = np.empty(len(held))
    for series in dict.fromkeys(held.series):
        rows = np.array([one == series for one in held.series])
        level = (np.log(held.error) - relative)[rows & base].mean()
        predicted[rows] = np.exp(level + relative[rows])
    wrong: Array = 100 * (predicted - held.error)[~base]
    return float(np.sqrt(np.mean(wrong**2)))


def _bases(points: FamilyPoints) -> NDArray[np.bool_]:
    """Which points are their series' base."""
    distance = np.abs(points.logs).sum(axis=1)
    base = np.zeros(len(points), dtype=bool)
    for series in dict.fromkeys(points.series):
        rows = np.flatnonzero([one == series for one in points.series])
        base[rows[np.argmin(distance[rows])]] = True
    return base
