"""Distributions of the errors of random networks: how good a search space is, whatever searches it.

The best of a search says as much about the search as about its space. What random networks of a space reach says more:
Radosavovic et al. 2019, "On Network Design Spaces for Visual Recognition", and 2020, "Designing Network Design Spaces",
compare spaces by the empirical distribution functions of such errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from results.intervals import LEVEL, Difference
from space.errors import InputError

Floats = NDArray[np.float64]
_RESAMPLES = 4000


@dataclass(frozen=True, eq=False)
class ErrorDistribution:
    """The errors of random networks of one space, sorted, as fractions."""

    errors: Floats

    @classmethod
    def of(cls, errors: ArrayLike) -> ErrorDistribution:
        """Raises InputError for fewer than two errors and for one that is no number."""
        found = np.sort(np.asarray(errors, dtype=np.float64))
        if len(found) < 2 or not np.isfinite(found).all():
            raise InputError.of("errors", "two or more numbers", found.tolist())
        return cls(found)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """The lower quartile, the median and the upper quartile."""
        low, middle, high = np.quantile(self.errors, (0.25, 0.5, 0.75))
        return float(low), float(middle), float(high)

    def share_below(self, error: float) -> float:
        """The empirical distribution function: the share of networks whose error is at most ``error``."""
        return float(np.searchsorted(self.errors, error, side="right") / len(self.errors))

    def band(self, level: float = LEVEL) -> float:
        """How far the true distribution function may lie from the empirical one, everywhere at once.

        The inequality of Dvoretzky, Kiefer and Wolfowitz with the constant of Massart (1990): √(ln(2 / α) / 2n).
        """
        return sqrt(log(2 / (1 - level)) / (2 * len(self.errors)))

    def median_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The bootstrap interval of the median."""
        low, high = np.quantile(self._medians(), ((1 - level) / 2, (1 + level) / 2))
        return float(low), float(high)

    def median_above(self, other: ErrorDistribution, level: float = LEVEL) -> Difference:
        """By how much the median error is above that of ``other``; negative if this space is the better one."""
        draws = self._medians() - other._medians(seed=1)
        low, high = np.quantile(draws, ((1 - level) / 2, (1 + level) / 2))
        return Difference(self.quartiles[1] - other.quartiles[1], float(low), float(high), level)

    def _medians(self, seed: int = 0) -> Floats:
        """The medians of resamples of the networks."""
        rng = np.random.default_rng(seed)
        medians: Floats = np.median(rng.choice(self.errors, (_RESAMPLES, len(self.errors))), axis=1)
        return medians

    def figures(self) -> dict[str, Any]:
        """The distribution as a row of a table."""
        low, middle, high = self.quartiles
        least, most = self.median_interval()
        return {
            "networks": len(self.errors),
            "best_error": float(self.errors[0]),
            "lower_quartile": low,
            "median_error": middle,
            "median_low": least,
            "median_high": most,
            "upper_quartile": high,
            "worst_error": float(self.errors[-1]),
            "band": self.band(),
        }
