"""Whether a search found more than a known network: its best network against the best stock network that it measured.

Both were chosen by the same validation images, so their difference is of pairs: the interval has the noise of these images
and, once the search has measured networks again, the noise between seeds as well. It knows nothing of the choice itself. Of
many networks the best is a luckier one than of few; once there are repeats, the interval of the found one is drawn towards the
others (``results.networks``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
from scipy.special import ndtri

from results import networks
from results.intervals import LEVEL, Difference, paired_difference
from results.networks import Answer, Networks, answer
from results.right_images import right_images
from results.trial_result import Status, TrialResult


@dataclass(frozen=True)
class StockComparison:
    """The best network that was ``found``, among ``among``, against the best ``stock`` network of ``stocks``.

    ``difference`` is that of their validation accuracies, as a fraction; None where its noise is not known. ``value`` is
    then all there is. ``images`` are the validation images that both were judged by, None where only seeds are known.
    """

    found: TrialResult
    stock: TrialResult
    value: float
    difference: Difference | None
    among: int
    stocks: int
    images: int | None = None

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``undecided``: whether the found network is better than the stock one."""
        if self.difference is None or self.difference.low <= 0 <= self.difference.high:
            return "undecided"
        return "better" if self.difference.low > 0 else "worse"

    def sentence(self) -> str:
        """The difference in words, with its interval."""
        said = f"{100 * self.value:+.1f} points"
        if self.difference is not None:
            said += f" [{100 * self.difference.low:+.1f}, {100 * self.difference.high:+.1f}]"
        over = f"over the best stock network ({self.stock.stock}, trial {self.stock.number})"
        if self.stock.epochs:
            # Longer trainings may rank them otherwise.
            over += f" after {self.stock.epochs} epoch{'s' * (self.stock.epochs > 1)}"
        basis = f"; the best of {self.among} and of {self.stocks}"
        if self.images is not None:
            basis += f" on {self.images} validation images"
        words = {
            "better": "it is better",
            "worse": "it is worse",
            "undecided": "which is better is undecided",
        }
        return f"the best found network is {said} {over}: {words[self.verdict]}{basis}"


def against_stock(
    known: Networks, trials: Sequence[TrialResult], level: float = LEVEL
) -> StockComparison | None:
    """The best of the networks that are ``known`` against the best stock network among ``trials``.

    None where no stock network was measured, or nothing was found. What the search maximises chooses both; the difference is of
    their plain accuracies.
    """
    found, stocks = answer(known), measured_stock(trials)
    if found is None or not stocks or found.trial.accuracy is None:
        return None
    best = max(stocks, key=lambda trial: (_score(trial, known), -trial.number))
    assert best.accuracy is not None
    accuracy = found.accuracy if known.merit == "accuracy" else found.trial.accuracy
    value = accuracy - best.accuracy
    z = float(ndtri(0.5 + level / 2))
    lower, upper = _seeds(found, z)
    theirs_too = z * (known.deviation or 0.0)
    mine, theirs = right_images(found.trial.extra), right_images(best.extra)
    below = above = 0.0
    images = None
    if mine is not None and theirs is not None and len(mine) == len(theirs) > 0:
        pairs, images = paired_difference(mine, theirs, level), len(mine)
        below, above = pairs.value - pairs.low, pairs.high - pairs.value
    elif not known.repeated:
        return StockComparison(found.trial, best, value, None, len(known), len(stocks))
    low = value - hypot(below, lower, theirs_too)
    high = value + hypot(above, upper, theirs_too)
    difference = Difference(value, low, high, level)
    return StockComparison(found.trial, best, value, difference, len(known), len(stocks), images)


def measured_stock(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """The stock networks that were measured to the end, within budget."""
    return [
        trial
        for trial in trials
        if trial.stock is not None
        and trial.status is Status.OK
        and trial.feasible is not False
        and trial.accuracy is not None
        and np.isfinite(trial.accuracy)
    ]


def _score(trial: TrialResult, known: Networks) -> float:
    """What the search maximises of a stock network."""
    if trial.values:
        return trial.values[0]
    return known.merit_of(trial) or 0.0


def _seeds(found: Answer, z: float) -> tuple[float, float]:
    """How far the found network's accuracy may lie below and above its mean, by the noise between seeds: ``z`` deviations."""
    if found.low is None or found.high is None:
        return 0.0, 0.0
    scale = z / float(ndtri(0.5 + networks.LEVEL / 2))
    return scale * max(0.0, found.accuracy - found.low), scale * max(0.0, found.high - found.accuracy)
