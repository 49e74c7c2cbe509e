"""Rewards that are robust to outliers: values on one scale.

A value becomes z = (value − median) / spread, the spread being the interquartile range over 1.349 (the
standard deviation of a normal with that range). Below the median z is compressed to −log(1 − z): a network
that failed to learn is bad, but not a hundred times as bad as a weak one. Both steps are invertible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.encoding import Floats


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
