"""The races among the networks of a search: for the best of all, or, with several objectives, for each place on the front.

The member of a front is the best network among those that cost no more. So each member's place is a race of its own among
these networks, and a measurement is worth what it is worth in all races together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from results.networks import Floats, Networks, Posterior
from results.pareto import front
from search.repeats.value import proposal_value, repeat_values

PLACES, CONTENDERS = 8, 32
"""Places of a front that are raced for, evenly spread along it, and networks that are looked at in each race."""
NEGLIGIBLE = 1e-3
"""A repeat that is expected to bring less than this share of a measurement's standard deviation gives way to a new network."""


@dataclass(frozen=True, eq=False)
class Races:
    """Posterior ``means`` and ``deviations`` of scores by race, shape (races, networks); −∞ for those not in the race.

    ``networks`` are positions among all networks of the search, ``noise`` the standard deviation of one measurement of
    each, and ``left`` how many more measurements there can be. ``proposal`` is the value of measuring a new network: what the
    newer half of them brought, and at least ``NEGLIGIBLE`` of the noise.
    """

    networks: NDArray[np.int64]
    means: Floats
    deviations: Floats
    noise: Floats
    left: Floats
    proposal: float

    @classmethod
    def of(cls, networks: Networks, deviation: float, left: Floats) -> Races:
        """The races as they stand, at a noise of ``deviation`` for one measurement of an accuracy.

        ``left`` (all networks) is how many more measurements of each there can be.
        """
        scores, counts, factors = networks.arrays()
        noise = deviation * factors
        parts = _parts(networks, scores)
        means = np.full(parts.shape, -np.inf)
        deviations = np.zeros(parts.shape)
        proposals = []
        for race, part in enumerate(parts):
            posterior = Posterior.of(scores[part], counts[part], noise[part])
            means[race, part], deviations[race, part] = posterior.means, posterior.deviations
            proposals.append(proposal_value(means[race]))
        hopeful = np.argsort(-(means + 2 * deviations), axis=1, kind="stable")[:, :CONTENDERS]
        chosen = np.unique(hopeful)
        return cls(
            chosen,
            means[:, chosen],
            deviations[:, chosen],
            noise[chosen],
            left[chosen],
            max(float(np.mean(proposals)), NEGLIGIBLE * float(noise.mean())),
        )

    def values(self) -> Floats:
        """The value of one more measurement of each network, 0 for one of which there can be none."""
        found = repeat_values(self.means, self.deviations, self.noise).mean(axis=0)
        return np.where(self.left > 0, found, 0.0)

    def measured(self, at: int) -> Races:
        """The races once network ``at`` was measured again, with the mean that is expected of it."""
        precision = self.noise[at] ** -2.0
        known = self.deviations[:, at]
        deviations, left = self.deviations.copy(), self.left.copy()
        deviations[:, at] = known / np.sqrt(1 + known**2 * precision)
        left[at] -= 1
        return replace(self, deviations=deviations, left=left)


def _parts(networks: Networks, scores: Floats) -> NDArray[np.bool_]:
    """Which networks take part in each race, shape (races, networks)."""
    costs = np.array([(trial.values or (0.0,))[1:] for trial in networks.first], dtype=np.float64)
    if costs.shape[1] == 0:
        return np.ones((1, len(scores)), dtype=bool)
    directions = ["maximize", *("minimize" for _ in costs[0])]
    members = np.flatnonzero(front(np.column_stack([scores, costs]), directions))
    members = members[np.argsort(-scores[members], kind="stable")]
    spread = np.unique(np.linspace(0, len(members) - 1, PLACES).round().astype(int))
    places = costs[members[spread]]
    return np.asarray((costs[None] <= places[:, None]).all(axis=2))
