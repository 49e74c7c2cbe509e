"""What the end of the time allows to say: whether the search was worth it, how far its ranking holds, what more time buys.

The two networks of the comparison, the best that the search found and the best stock network, had the same recipe and the same
time, and are judged on the same images. So their difference has a paired interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.intervals import Difference

Right = NDArray[np.bool_]
YES, NO, UNDECIDED = "yes", "no", "undecided"
_RESAMPLES = 2000
_TWICE = 2.0


def worth_it(difference: Difference | None, *, stock_is_exported: bool) -> str:
    """Whether the search was worth it, with the ``difference`` of the found network to the stock one on test images.

    Who is given a stock network had nothing of the search, whatever the difference is.
    """
    if stock_is_exported:
        return NO
    if difference is None or difference.low <= 0 <= difference.high:
        return UNDECIDED
    return YES if difference.low > 0 else NO


def of_ranking(scores: Sequence[float], longer: Sequence[float]) -> dict[str, Any] | None:
    """How far the search's ``scores`` rank networks as their ``longer`` trainings do: Kendall's τ with its interval.

    None for fewer than three networks, or where one side ranks none.
    """
    from evaluators.rank_correlation import rank_correlation

    if len(scores) < 3:
        return None
    tau = rank_correlation(scores, longer).kendall
    if not all(map(isfinite, (tau.value, tau.low, tau.high))):
        return None
    return {"kendall": tau.value, "low": tau.low, "high": tau.high, "networks": len(scores)}


@dataclass(frozen=True)
class Longer:
    """One network trained twice: for ``short`` and for ``long`` epochs, and which validation images it then had right."""

    short: int
    long: int
    before: Right
    after: Right


def of_more_time(curves: Sequence[Longer], level: float = 0.9) -> Difference | None:
    """What twice the time would add to the accuracy: the mean over the networks, None where there is no curve.

    The error is taken to fall as a power of the length of the training, from the two lengths that were measured (Hestness et al.
    2017, "Deep learning scaling is predictable"). The interval is that of other images (a bootstrap over them): it does not
    know how a longer search would fare, nor whether the power law goes on.
    """
    usable = [one for one in curves if one.long > one.short > 0]
    if not usable:
        return None
    count = len(usable[0].before)
    rng = np.random.default_rng(0)
    draws = np.vstack([np.arange(count), rng.integers(0, count, (_RESAMPLES, count))])
    gains = np.mean([_gain(one, draws) for one in usable], axis=0)
    low, high = np.quantile(gains[1:], ((1 - level) / 2, (1 + level) / 2))
    return Difference(float(gains[0]), float(low), float(high), level)


def _gain(curve: Longer, draws: NDArray[np.int64]) -> NDArray[np.float64]:
    """By how much the error falls in twice the longer time, for each draw of images."""
    # Half an image is always wrong: an error of zero has no power law.
    least = 0.5 / draws.shape[1]
    before, after = (
        np.maximum(1 - right.astype(np.float64)[draws].mean(axis=1), least)
        for right in (curve.before, curve.after)
    )
    power = log(_TWICE) / log(curve.long / curve.short)
    gain: NDArray[np.float64] = after - np.minimum(after * (after / before) ** power, 1.0)
    return gain
