"""What one more measurement is worth: by how much the network that is named in the end is expected to become better.

The knowledge gradient (Frazier, Powell & Dayanik 2008): the expected rise of the highest posterior mean by measuring one
network once more. Where noise is large, one measurement changes nothing and several do; then their mean value for one
measurement counts (the KG(*) of Frazier & Powell 2010, §4).

There may be several races at once: rows of arrays of shape (races, networks). A network that takes no part in a race has
a mean of −∞ there.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
TIMES = np.array([1.0, 2.0, 4.0, 8.0])
"""Numbers of further measurements that are looked at."""


def expected_rise(behind: Floats, deviation: Floats) -> Floats:
    """E max(0, N(−``behind``, ``deviation``²)), elementwise."""
    certain = deviation <= 0
    z = -behind / np.where(certain, 1.0, deviation)
    rise = deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
    return np.where(certain, np.maximum(-behind, 0.0), rise)


def repeat_values(means: Floats, deviations: Floats, noise: Floats) -> Floats:
    """The value of one more measurement of each network in each race, of the shape of ``means`` (races, networks).

    Scores are normal with ``means`` and ``deviations``; ``noise`` (networks) is the standard deviation of one
    measurement. Where a network is alone, nothing can be learned.
    """
    if means.shape[1] < 2:
        return np.zeros(means.shape)
    second, first = np.partition(means, -2, axis=1)[:, -2:].T
    leads = means == first[:, None]
    part = np.isfinite(means) & np.isfinite(second)[:, None]
    rival = np.where(leads, second[:, None], first[:, None])
    behind = np.where(part, np.abs(rival - np.where(part, means, 0.0)), np.inf)
    variance = deviations[..., None] ** 2
    total = variance + noise[:, None] ** 2 / TIMES
    # How far the posterior mean may move: what is known of a network before, less what will be known.
    moves = np.sqrt(np.divide(variance**2, total, out=np.zeros_like(total), where=total > 0))
    gains = expected_rise(np.where(part, behind, 0.0)[..., None], moves) / TIMES
    return np.where(part, gains.max(axis=2), 0.0)


def proposal_value(means: Floats) -> float:
    """The value of one new network: how much the best became better by the newer half of networks, for each of them.

    ``means`` are the posterior means of all networks in their order, −∞ for those that are not in the race. The best of n is
    taken to rise as log n, so that the next one brings 1 / (n log 2) of what the newer half brought. What networks are
    likely to score would say more, were they drawn independently; a search proposes ever better ones, until none is left.
    """
    before = means[: len(means) // 2]
    # Where none of the older networks is in the race, its poorest network stands for them.
    first = before.max() if np.isfinite(before).any() else means[np.isfinite(means)].min()
    return float(means.max() - first) / (len(means) * log(2))
