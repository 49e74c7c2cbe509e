"""Intervals of proportions: how far a share of few images can be from what more images would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

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
    z = float(ndtri(0.5 + level / 2))
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


@dataclass(frozen=True)
class Difference:
    """The difference of two shares, in −1..1, with the ends of its interval of ``level``."""

    value: float
    low: float
    high: float
    level: float = LEVEL

    def __str__(self) -> str:
        return f"{100 * self.value:+.1f} points ({100 * self.low:+.1f} to {100 * self.high:+.1f})"


def paired_difference(first: ArrayLike, second: ArrayLike, level: float = LEVEL) -> Difference:
    """By how much the share of images that ``first`` has right is above that of ``second``, on the same images.

    Both are true or false for each of n > 0 images. The distances of the Wilson ends are added in quadrature, less what
    both have in common (Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions
    based on paired data", method 10), so that networks that disagree on no image still leave doubt. Raises InputError
    for other shapes and no images.
    """
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.ndim != 1 or one.shape != other.shape or not len(one):
        raise InputError.of("images", "the same ones for both, one or more", f"{one.shape}, {other.shape}")
    count = len(one)
    both, neither = int((one & other).sum()), int((~one & ~other).sum())
    mine, yours = int((one & ~other).sum()), int((other & ~one).sum())
    a, b = (proportion(both + alone, count, level) for alone in (mine, yours))
    common = _correlation(both, mine, yours, neither)
    below = _common_distance(a.value - a.low, b.high - b.value, common)
    above = _common_distance(a.high - a.value, b.value - b.low, common)
    value = a.value - b.value
    return Difference(value, value - below, value + above, level)


def _correlation(both: int, mine: int, yours: int, neither: int) -> float:
    """φ of a fourfold table, a positive one corrected for continuity; 0 where a margin is empty."""
    margins = (both + mine) * (yours + neither) * (both + yours) * (mine + neither)
    if not margins:
        return 0.0
    product = float(both * neither - mine * yours)
    if product > 0:
        product = max(product - (both + mine + yours + neither) / 2, 0.0)
    return float(product / np.sqrt(float(margins)))


def _common_distance(one: float, other: float, common: float) -> float:
    return float(np.sqrt(max(0.0, one**2 - 2 * common * one * other + other**2)))


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
