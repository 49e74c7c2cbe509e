"""Which trials of a search measure a network again: a function of the settings and of the results in order.

New networks help to find better ones, and a network can be measured again at any later time. So repeats come as late as
they can. From the results so far the rule counts, measurement by measurement, how many repeats are worth more than new
networks (``search.repeats.value``), and proposes nothing new once no more trials than that are left. Which network is
measured again is decided anew each time. A few repeats of the network that leads come earlier: they tell how large the
noise is, and the sampler how lucky its leader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, sqrt
from typing import Any

import numpy as np

from results.networks import Floats, Networks, leader
from results.trial_result import TrialResult
from search.repeats.horizon import Horizon
from search.repeats.races import Races
from search.settings import SearchSettings

Decisions = Mapping[str, Any]
LARGEST_SHARE = 0.25
"""Share of a search's trials that are repeats, at most, where their number is left to the rule."""
EARLY = (0.25, 0.5)
"""Where in the search the network that leads is measured again, to learn the noise."""
FEWEST = 20
"""Trials of a search from which on it repeats any."""
PRIOR_FREEDOM, PRIOR_SHARE = 1.0, 0.1
"""Before repeats say otherwise, noise has this share of the variance between good networks; this counts as so many repeats."""
LAST = 2
"""So many of the last trials measure the network that leads again, if that was measured once."""
EQUAL = 3
"""Repeats of which none differs from an earlier measurement, which show that there is no noise."""


class RepeatRule:
    """Decides for each trial of a search whether it is a repeat, and of which network.

    ``most`` says how many measurements of a network can differ (None: any number). The loop calls ``begin`` for every
    trial as it starts, ``tell`` for every result in the order of numbers, and ``next`` where neither is missing.
    """

    def __init__(
        self, settings: SearchSettings, most: Callable[[Decisions], int | None] = lambda decisions: None
    ) -> None:
        self._asked, self._most = settings.repeats, most
        self.networks = Networks(settings.objective.merit)
        self._horizon = Horizon(settings)
        self._running: dict[int, int] = {}
        self._begun = 0
        self._limits: list[float] = []

    def needs(self, number: int) -> bool:
        """Whether trial ``number`` may be a repeat, so that the results before it have to be known."""
        trials = self._horizon.trials()
        if not self._horizon.is_fixed:
            return self._bound(trials) > 0
        first = trials - self._bound(trials)
        if self._asked is None:
            first = min(first, ceil(EARLY[0] * trials))
        return self._bound(trials) > 0 and number >= first

    def _bound(self, trials: int) -> int:
        """How many of ``trials`` may be repeats."""
        if self._asked is not None:
            return min(self._asked, trials)
        return int(LARGEST_SHARE * trials) if trials >= FEWEST else 0

    def begin(self, trial: TrialResult) -> None:
        """A trial starts, or started before the search was resumed."""
        if trial.repeat_of is not None:
            self._begun += 1
            self._running[trial.number] = trial.repeat_of

    def tell(self, result: TrialResult) -> None:
        """A trial has ended."""
        self._running.pop(result.number, None)
        self._horizon.tell(result)
        self.networks.add(result)

    def score(self, number: int) -> float | None:
        """The mean score so far of the network that trial ``number`` measured first; None where it has none."""
        at = self.networks.position(number)
        return None if at is None else self.networks.means[at] * self.networks.factors[at]

    def next(self, number: int) -> int | None:
        """The trial whose network trial ``number`` is to measure again; None where it is to be a new one."""
        trials = self._horizon.trials()
        # A search can outlive the trials that were expected of it: then each may be the last.
        left, bound = max(1, trials - number), self._bound(trials) - self._begun
        if bound <= 0 or len(self.networks) < 2:
            return None
        more = self._left()
        if not (more > 0).any():
            return None
        if self._asked is not None:
            return self._race(more, 1, always=True) if left <= bound else None
        if self._is_noiseless():
            return None
        if self._begun < sum(number >= share * trials for share in EARLY):
            return self._again(more)
        found = self._race(more, left) if left <= bound else None
        # What is named as best was measured more than once, even where nothing could take its place.
        return self._again(more, only_once=True) if found is None and left <= LAST else found

    def _left(self) -> Floats:
        """How many more measurements of each network there can be."""
        networks = self.networks
        for trial in networks.first[len(self._limits) :]:
            most = self._most(trial.decisions)
            self._limits.append(np.inf if most is None else most)
        left: Floats = np.array(self._limits) - np.array(networks.counts)
        left[list(networks.failed)] = 0
        return left

    def _is_noiseless(self) -> bool:
        return self.networks.freedom >= EQUAL and self.networks.deviation == 0

    def _again(self, more: Floats, *, only_once: bool = False) -> int | None:
        """The network that leads; None where it cannot be measured again, or is to be so if it was measured ``only_once``."""
        at = leader(self.networks)
        if at is None or more[at] <= 0:
            return None
        first = self.networks.first[at].number
        measured = self.networks.counts[at] + list(self._running.values()).count(first)
        return None if only_once and measured > 1 else first

    def _race(self, more: Floats, wanted: int, *, always: bool = False) -> int | None:
        """The network that is worth most to measure again, if ``wanted`` repeats are each worth more than new networks.

        ``always`` says that new networks are not the alternative.
        """
        deviation = self._deviation()
        if deviation <= 0:
            return None
        races = Races.of(self.networks, deviation, more)
        where = {at: i for i, at in enumerate(races.networks.tolist())}
        for first in self._running.values():
            at = self.networks.position(first)
            if at in where:
                races = races.measured(where[at])
        chosen: int | None = None
        positions: list[int] = races.networks.tolist()
        for _ in range(wanted):
            values = races.values()
            best = int(np.argmax(values))
            if always and values[best] <= 0:
                best = int(np.argmax(np.where(races.left > 0, races.means.max(axis=0), -np.inf)))
                return self.networks.first[positions[best]].number if races.left[best] > 0 else None
            if values[best] <= (0.0 if always else races.proposal):
                return None
            chosen = best if chosen is None else chosen
            races = races.measured(best)
        assert chosen is not None
        return self.networks.first[positions[chosen]].number

    def _deviation(self) -> float:
        """The noise of one measurement: what the repeats say, and before they say much, what was assumed."""
        networks = self.networks
        means = np.array(networks.means)
        good = means[means >= np.median(means)]
        assumed = PRIOR_SHARE * float(((good - good.min()) ** 2).mean())
        known = (networks.deviation or 0.0) ** 2
        freedom = networks.freedom + PRIOR_FREEDOM
        return sqrt((networks.freedom * known + PRIOR_FREEDOM * assumed) / freedom)
