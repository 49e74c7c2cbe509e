"""Rewards that are robust to outliers: values on one scale, and trials in order of their score.

A value becomes z = (value − median) / spread, the spread being the interquartile range over 1.349 (the
standard deviation of a normal with that range). Below the median z is compressed to −log(1 − z): a network
that failed to learn is bad, but not a hundred times as bad as a weak one. Both steps are invertible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from results.pareto import crowding, ranks
from results.trial_result import TrialResult

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RewardScale:
    """Median and spread of each objective; shape (objectives,)."""

    median: Floats
    spread: Floats

    @classmethod
    def of(cls, values: Floats) -> RewardScale:
        """The scale of ``values`` (trials, objectives); a spread of zero counts as one."""
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        spread = (high - low) / 1.349
        return cls(middle, np.where(spread > 1e-12, spread, 1.0))

    def apply(self, values: Floats) -> Floats:
        """Values as rewards of order 1."""
        z = (values - self.median) / self.spread
        return np.where(z < 0, -np.log1p(np.maximum(-z, 0)), z)

    def undo(self, rewards: Floats) -> Floats:
        """Rewards as values."""
        z = np.where(rewards < 0, -np.expm1(np.minimum(-rewards, 30)), rewards)
        return z * self.spread + self.median


def values_of(trials: Sequence[TrialResult], objectives: int) -> Floats:
    """Values (trials, objectives); a failed or infeasible trial has the worst of each that was seen."""
    values = np.array([t.values if t.values is not None else (np.nan,) * objectives for t in trials])
    missing = np.isnan(values).any(axis=1)
    worst = np.zeros(objectives) if missing.all() else values[~missing].min(axis=0)
    values[missing] = worst
    return values


def score(values: Floats) -> Floats:
    """Positions 0 … 1 from the worst trial to the best: by value, or by Pareto rank and crowding."""
    if values.shape[1] == 1:
        order = np.argsort(values[:, 0], kind="stable")
    else:
        directions = ["maximize"] * values.shape[1]
        spread = crowding(values, directions)
        order = np.lexsort((spread, -ranks(values, directions)))
    position = np.empty(len(values))
    position[order] = np.arange(len(values))
    return position / max(1, len(values) - 1)
