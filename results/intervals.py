"""Intervals of proportions: how far a share of few images can be from what more images would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from space.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure in 0..1 with the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From one end of the interval to the other."""
        return self.high - self.low

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f}–{self.high:.4f})"


def wilson(
    successes: ArrayLike, trials: ArrayLike, level: float = LEVEL
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The ends of the score interval of each proportion (Wilson 1927, eq. 1); 0 and 1 where there were no trials.

    ``successes`` and ``trials`` have the same shape, and so have both ends. Raises InputError for more successes than
    trials and for a level outside (0, 1).
    """
    hits, count = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    if not 0 < level < 1:
        raise InputError.of("level", "a probability in (0, 1)", level)
    if np.any(hits < 0) or np.any(hits > count):
        raise InputError.of("successes", "0 to as many as trials", f"{hits} of {count}")
    z = float(norm.ppf(0.5 + level / 2))
    share = np.divide(hits, count, out=np.full(count.shape, 0.5), where=count > 0)
    middle = (hits + z**2 / 2) / (count + z**2)
    half = z / (count + z**2) * np.sqrt(count * share * (1 - share) + z**2 / 4)
    # The ends of 0 of n and n of n are 0 and 1 exactly; rounding must not move them.
    low = np.where(hits == 0, 0.0, middle - half)
    high = np.where(hits == count, 1.0, middle + half)
    return low, high


def proportion(successes: int, trials: int, level: float = LEVEL) -> Estimate:
    """A share of at least one trial, with its Wilson interval. Raises InputError for no trials."""
    if trials < 1:
        raise InputError.of("trials", "one or more", trials)
    low, high = wilson(successes, trials, level)
    return Estimate(successes / trials, float(low), float(high))


def mean_proportion(successes: Sequence[int], trials: Sequence[int], level: float = LEVEL) -> Estimate:
    """The mean of independent proportions, each with the same weight, and its interval.

    The distances of the Wilson ends from their proportions are added in quadrature, each side for itself (Zou, Huang
    and Zhang 2009, "A note on confidence interval estimation for a linear function of binomial proportions"). Unlike the
    delta method and the bootstrap it does not take a class of which all images are right for one without
    uncertainty. Proportions without trials take no part; raises InputError where all are.
    """
    hits, count = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    hits, count = hits[count > 0], count[count > 0]
    if not len(count):
        raise InputError.of("trials", "one or more", 0)
    low, high = wilson(hits, count, level)
    share = hits / count
    mean = float(share.mean())
    below, above = (float(np.sqrt(np.sum(side**2))) / len(count) for side in (share - low, high - share))
    return Estimate(mean, max(0.0, mean - below), min(1.0, mean + above))
