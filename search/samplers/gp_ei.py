"""A plain Gaussian process: fitted weights of the decisions, noisy expected improvement, mutations of the best.

The yardstick for the controller: it has a model and no policy. Several objectives are made one by the augmented
Chebyshev function with weights drawn for each suggestion (ParEGO, Knowles 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from results.trial_result import TrialResult
from search.controller.blas import one_blas_thread
from search.controller.rewards import RewardScale
from search.encoding import Encoding, Floats, Ints
from search.gaussian_process.acquisition import DRAWS, INCUMBENTS, noisy_expected_improvement
from search.gaussian_process.features import Features
from search.gaussian_process.fit import fit, prior_kernel
from search.gaussian_process.posterior import Posterior
from search.gaussian_process.proposals import climb
from search.history import History, View
from search.prior.score_mean import ScoreMean, ScoreModel, nothing
from search.samplers.protocol import SamplerInfo, seed_of
from space.search_space import Decisions, SearchSpace

if TYPE_CHECKING:
    from search.prior.network_scores import NetworkScores

STARTUP = 8
"""Random networks before the first fit."""
CAPACITY = 192
FITTED_EVERY, STEPS = 4, 6
"""The kernel is fitted again after every so many results, with so many steps from the last one."""
MUTATED, UNIFORM, ELITES = 96, 64, 12


class GaussianProcessSampler:
    """The sampler that this module describes."""

    novel = True
    learns = True
    patience: int | None = 1000

    def __init__(self, space: SearchSpace, seed: int, objectives: int = 1) -> None:
        self._seed, self._objectives = seed, objectives
        self._encoding = Encoding(space)
        self._features = Features(self._encoding)
        self._kernel = prior_kernel(self._features)
        self._history = History(self._encoding, objectives, CAPACITY)
        self._scores: ScoreModel | None = None

    def inform(self, scores: NetworkScores) -> None:
        """Uses these scores of networks from the start; to be called before anything is proposed or told."""
        self._scores = ScoreModel(self._encoding, scores, self._seed)

    def propose(self, number: int) -> Iterator[Decisions]:
        """Random networks at first; then those with the highest expected improvement, the best first."""
        rng = np.random.default_rng(seed_of(self._seed, "gp-ei", number))
        while len(self._history) < STARTUP:
            yield from map(self._encoding.assignment, self._first(number, rng))
        view = self._history.view()
        targets = _targets(view, rng.dirichlet(np.ones(self._objectives)))
        with one_blas_thread():
            mean = self._prior_mean(view, targets)
            posterior = Posterior(
                self._features, self._kernel, view.rows, targets, self._history.pending, mean
            )
            means, _ = posterior.predict(view.rows)
        order = np.argsort(-means, kind="stable")
        known = np.unique(view.rows[order[:INCUMBENTS]], axis=0)
        normals = rng.standard_normal((DRAWS, len(known)))

        def score(rows: Ints) -> Floats:
            return noisy_expected_improvement(posterior, rows, known, normals)

        for _ in range(100):
            parents = view.rows[order[rng.integers(0, min(ELITES, len(order)), MUTATED)]]
            mutated = self._encoding.mutate(parents, rng.integers(1, 4, MUTATED), rng)
            pool = self._history.new(np.concatenate([mutated, self._uniform(UNIFORM, rng)]))
            if len(pool):
                with one_blas_thread():
                    ranked = climb(pool, score, self._encoding, self._history, rng)
                    if isinstance(mean, ScoreMean):
                        ranked = mean.rank_last(ranked, score)
                yield from map(self._encoding.assignment, ranked)

    def begin(self, number: int, decisions: Decisions) -> None:
        """The network is under measurement."""
        self._history.begin(number, decisions)

    def tell(self, result: TrialResult) -> None:
        """Remembers the result; fits the kernel again after some of them."""
        self._history.tell(result)
        if len(self._history) >= STARTUP and len(self._history) % FITTED_EVERY == 0:
            view = self._history.view()
            targets = _targets(view, np.full(self._objectives, 1 / self._objectives))
            with one_blas_thread():
                beyond = targets - self._prior_mean(view, targets)(view.rows)
                bits = self._features.bits(view.rows)
                self._kernel = fit(self._features, bits, beyond, self._kernel, STEPS)

    def _prior_mean(self, view: View, targets: Floats) -> Callable[[Ints], Floats]:
        if self._scores is None:
            return nothing
        return self._scores.given(view.rows, targets)

    def _first(self, number: int, rng: np.random.Generator) -> Ints:
        """Random networks; with scores, those of which most is expected go first for every other trial."""
        rows = self._uniform(16, rng)
        return rows if self._scores is None or number % 2 else self._scores.first(rows)

    def _uniform(self, number: int, rng: np.random.Generator) -> Ints:
        return self._encoding.complete(np.full((number, len(self._encoding.decisions)), -1), rng)


def _targets(view: View, weights: Floats) -> Floats:
    """The targets (trials,) of one objective, or of several with these weights."""
    rewards = RewardScale.of(view.values).apply(view.values)
    if rewards.shape[1] == 1:
        return rewards[:, 0]
    losses = weights * (rewards.max(axis=0) - rewards)
    return np.asarray(-losses.max(axis=1) - 0.05 * losses.sum(axis=1))


SAMPLERS = (
    SamplerInfo(
        "gp-ei", "a Gaussian process with fitted weights, noisy expected improvement", GaussianProcessSampler
    ),
)
