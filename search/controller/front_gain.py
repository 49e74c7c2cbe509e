"""The hypervolume that a network is expected to add to the front.

It is measured on the scale of rewards, where costs are logarithms, from a point a little beyond the front's own nadir: from
the worst values ever seen, a front with a gap at its accurate end would look complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtri

from results.pareto import front, hypervolume
from search.encoding import Floats, Ints
from search.gaussian_process.posterior import Posterior

MARGIN = 0.1
"""How far the reference point lies beyond the front's nadir, in units of the front's range."""
DRAWS = 8
QUANTILES = ndtri((np.arange(DRAWS) + 0.5) / DRAWS)
STRIDES = (1, 3, 5, 7)
"""The quantiles of objective i come in steps of STRIDES[i], so that high ones of one objective meet low ones of another."""


def expected_front_gain(posteriors: Sequence[Posterior], rewards: Floats) -> Callable[[Ints], Floats]:
    """A function that gives the gain of rows over the front of ``rewards`` (trials, objectives).

    The expectation is a mean over DRAWS points of a Latin hypercube (McKay, Beckman and Conover 1979).
    """
    members = rewards[front(rewards, ["maximize"] * rewards.shape[1])]
    low, high = members.min(axis=0), members.max(axis=0)
    span = np.where(high > low, high - low, np.maximum(np.ptp(rewards, axis=0), 1e-9))
    reference = low - MARGIN * span

    def gain(rows: Ints) -> Floats:
        predicted = [posterior.predict(rows) for posterior in posteriors]
        added = np.zeros(len(rows))
        for draw in range(DRAWS):
            points = np.stack(
                [
                    mean + QUANTILES[(draw * STRIDES[i % 4] + i) % DRAWS] * deviation
                    for i, (mean, deviation) in enumerate(predicted)
                ],
                axis=1,
            )
            added += added_volume((members - reference) / span, (points - reference) / span)
        return added / DRAWS

    return gain


def added_volume(members: Floats, points: Floats) -> Floats:
    """How much hypervolume each point would add to a front, measured from the origin; all is maximised.

    A point that adds nothing gets less than 0, the less the further it is from adding something.
    """
    behind = np.minimum((points[:, None, :] - members[None]).max(axis=2).min(axis=1), points.min(axis=1))
    if members.shape[1] == 2:
        x, y = members[np.argsort(members[:, 0])].T
        ends = np.append(x, np.inf)
        heights = np.append(y, 0.0)
        widths = np.clip(np.minimum(points[:, :1], ends) - np.append(0.0, x), 0, None)
        added = (widths * np.clip(points[:, 1:] - heights, 0, None)).sum(axis=1)
    else:
        directions, zero = ["maximize"] * members.shape[1], np.zeros(members.shape[1])
        own = hypervolume(members, directions, zero)
        both = (np.vstack([members, point]) for point in np.maximum(points, 0))
        added = np.array([hypervolume(each, directions, zero) - own for each in both])
    return np.asarray(np.where(behind > 0, added, 1e-6 * behind))
