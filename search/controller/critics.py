"""The controller's critics: what they expect of networks before these are measured, and how they rank them.

There are two. The *fitted* one is a Gaussian process whose kernel is fitted by maximum a posteriori,
with a length for each decision and all interactions (``search.gaussian_process``), and ranks by the noisy expected
improvement. The *additive* one (``search.controller.additive_critic``) is not fitted, ranks by an upper confidence bound and has
every ``ADDITIVE``-th suggestion: the two are misled by different networks.

With several objectives there is a fitted process for each, and most suggestions are ranked by the hypervolume that a network
is expected to add to the front (``search.controller.front_gain``); every ``ACCURATE_END``-th one is for the first objective
alone, or the accurate end of the front, where little volume is to be gained, would be neglected.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from search.controller.additive_critic import AdditiveCritic
from search.controller.front_gain import expected_front_gain
from search.controller.rewards import RewardScale
from search.encoding import Encoding, Floats, Ints
from search.gaussian_process.acquisition import DRAWS, INCUMBENTS, noisy_expected_improvement
from search.gaussian_process.features import Features
from search.gaussian_process.fit import fit, prior_kernel
from search.gaussian_process.posterior import Posterior
from search.gaussian_process.proposals import climb
from search.history import History, View
from search.prior.score_mean import ScoreMean, nothing

CAPACITY = 96
"""Trials that the critics learn from at most, the best and the newest: a suggestion costs the same at trial 5,000."""
STEPS = 5
"""Steps of the optimiser in each fit of a kernel; it goes on from where the last one ended."""
CONFIDENCE = 2.0
"""Standard deviations that the upper confidence bound adds to the mean."""
ADDITIVE = 3
"""Every ADDITIVE-th suggestion is the additive critic's."""
ACCURATE_END = 3
"""With several objectives, every ACCURATE_END-th suggestion is for the first one alone."""

Mean = Callable[[Ints], Floats]


class Critics:
    """Both critics. Their state is the fitted kernels, a function of the results in order."""

    def __init__(self, encoding: Encoding, objectives: int) -> None:
        self._encoding, self._objectives = encoding, objectives
        self._features = Features(encoding)
        self._kernels = [prior_kernel(self._features)] * objectives

    def learn(self, view: View, mean: Mean | None) -> None:
        """Fits the kernels; ``mean`` is what is expected of the first objective beforehand."""
        bits, targets = self._features.bits(view.rows), rewards_of(view)
        if mean is not None:
            targets[:, 0] -= mean(view.rows)
        self._kernels = [
            fit(self._features, bits, targets[:, i], kernel, STEPS) for i, kernel in enumerate(self._kernels)
        ]

    def asks_beyond(self, number: int) -> bool:
        """Whether the fitted critics rank for trial ``number``: they want proposals that the policy did not make, too."""
        turn = number // ACCURATE_END if self._objectives > 1 else number
        return turn % ADDITIVE != 0 or self._wants_front(number)

    def _wants_front(self, number: int) -> bool:
        return self._objectives > 1 and not wants_accurate_end(number)

    def rank(
        self,
        number: int,
        pool: Ints,
        history: History,
        view: View,
        mean: Mean | None,
        rng: np.random.Generator,
    ) -> Ints:
        """The rows of ``pool``, for trial ``number``, the most promising first; the fitted critic adds rows near the best."""
        rewards = rewards_of(view)
        promise = self._promise(number, history, view, rewards, mean, rng)
        if self.asks_beyond(number):
            pool = climb(pool, promise, self._encoding, history, rng)
        else:
            pool = pool[np.argsort(-promise(pool), kind="stable")]
        return mean.rank_last(pool, promise) if isinstance(mean, ScoreMean) else pool

    def _promise(
        self,
        number: int,
        history: History,
        view: View,
        rewards: Floats,
        mean: Mean | None,
        rng: np.random.Generator,
    ) -> Callable[[Ints], Floats]:
        """How promising rows are for trial ``number``."""
        if self._wants_front(number):
            posteriors = [
                self._posterior(i, view, rewards, history.pending, mean) for i in range(self._objectives)
            ]
            return expected_front_gain(posteriors, view.rows)
        if not self.asks_beyond(number):
            return self._bound(view, rewards, history.pending, mean)
        posterior = self._posterior(0, view, rewards, history.pending, mean)
        expected, _ = posterior.predict(view.rows)
        known = np.unique(view.rows[np.argsort(-expected, kind="stable")[:INCUMBENTS]], axis=0)
        normals = rng.standard_normal((DRAWS, len(known)))
        return lambda rows: noisy_expected_improvement(posterior, rows, known, normals)

    def _posterior(
        self, objective: int, view: View, rewards: Floats, pending: Ints, mean: Mean | None
    ) -> Posterior:
        before = mean if mean is not None and objective == 0 else nothing
        return Posterior(
            self._features, self._kernels[objective], view.rows, rewards[:, objective], pending, before
        )

    def _bound(
        self, view: View, rewards: Floats, pending: Ints, mean: Mean | None
    ) -> Callable[[Ints], Floats]:
        before = mean or nothing
        critic = AdditiveCritic(self._encoding, view.rows, rewards[:, 0] - before(view.rows), pending)

        def bound(rows: Ints) -> Floats:
            expected, deviation = critic.predict(rows)
            return expected + before(rows) + CONFIDENCE * deviation

        return bound


def wants_accurate_end(number: int) -> bool:
    """Whether trial ``number`` of a search with several objectives seeks the first one alone."""
    return number % ACCURATE_END == 0


def rewards_of(view: View) -> Floats:
    """Rewards (trials, objectives); costs, which come as negative numbers after the first objective, by their logarithm."""
    values = view.values.copy()
    costs = np.array([i > 0 and bool((values[:, i] < 0).all()) for i in range(values.shape[1])])
    values[:, costs] = -np.log(-values[:, costs])
    return RewardScale.of(values).apply(values)
