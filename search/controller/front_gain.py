"""The hypervolume that a network is expected to add to the front.

It is measured on the scale of rewards, where costs are logarithms and what is below the median is compressed, from a point
beyond the worst values that were seen. Nearer to the front's own nadir nothing is to be gained beyond it, and the front would not
grow at its cheap end; the accurate end, of which little volume depends, has suggestions of its own (``search.controller.critics``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtri

from results.pareto import front, hypervolume
from search.encoding import Floats, Ints
from search.gaussian_process.posterior import Posterior

MARGIN = 0.25
"""How far beyond the worst values the reference point lies, in units of the range: so far the front can grow at its ends."""
DRAWS = 8
QUANTILES = ndtri((np.arange(DRAWS) + 0.5) / DRAWS)
STRIDES = (1, 3, 5, 7)
"""The quantiles of objective i come in steps of STRIDES[i], so that high ones of one objective meet low ones of another."""


def expected_front_gain(posteriors: Sequence[Posterior], known: Ints) -> Callable[[Ints], Floats]:
    """A function that gives the gain of rows over the front of the ``known`` ones, as the posteriors expect it: what was observed
    is the front of the lucky.

    The expectation is a mean over DRAWS points of a Latin hypercube (McKay, Beckman and Conover 1979).
    """
    rewards = np.stack([posterior.predict(known)[0] for posterior in posteriors], axis=1)
    members = rewards[front(rewards, ["maximize"] * rewards.shape[1])]
    low = rewards.min(axis=0)
    reference = low - MARGIN * (members.max(axis=0) - low)
    span = np.maximum(members.max(axis=0) - reference, 1e-9)

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
