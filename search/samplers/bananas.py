"""BANANAS (White, Neiswanger and Savani 2021): mutations of the best networks, ranked by an ensemble of neural predictors.

Random networks come first. Then, for each suggestion, some of the best networks so far are mutated, the ensemble
(``search.ensemble``) predicts the mutants' scores, and one number is drawn for each mutant from the normal distribution with
the mean and the spread of its predictions: independent Thompson sampling. The mutant with the highest number is proposed.

Departures from the paper: the features are the options taken, for not every space has paths to encode; there are two hidden
layers and not ten; between two fits, which come after every ``BATCH`` results as in the paper, each suggestion has draws and
mutants of its own; the predictors learn from the best and the newest networks, ``CAPACITY`` at most. With several objectives one
number is drawn for each, and mutants are ranked by Pareto rank and crowding among the known networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np

from results.trial_result import TrialResult
from search.controller.blas import one_blas_thread
from search.controller.rewards import RewardScale
from search.encoding import Encoding, Floats
from search.ensemble import Ensemble
from search.history import score, values_of
from search.samplers.protocol import Network, SamplerInfo, generator, seed_of
from space.search_space import Decisions, SearchSpace

STARTUP, BATCH = 10, 10
MUTANTS, ELITES = 100, 10
FARTHEST = 4
"""Decisions in which a mutant differs from its parent: one; if too few such mutants are new, up to this many."""
CAPACITY = 300


class BananasSampler:
    """The sampler that this module describes."""

    novel = True
    learns = True
    patience: int | None = 1000

    def __init__(self, space: SearchSpace, seed: int, objectives: int) -> None:
        self._space, self._seed, self._objectives = space, seed, objectives
        self._encoding = Encoding(space)
        self._begun: set[Network] = set()
        self._told = 0
        self._kept: dict[Network, TrialResult] = {}
        self._examples: list[TrialResult] = []
        self._fitted: tuple[Ensemble, RewardScale] | None = None

    def propose(self, number: int) -> Iterator[Decisions]:
        """Random networks at first; then mutants, the highest draw first, and farther ones if none can be used."""
        rng = generator(self._seed, "bananas", number)
        if not self._examples:
            while True:
                yield self._space.sample(rng)
        draws = np.random.default_rng(seed_of(self._seed, "draws", number))
        ensemble, scale = self._predictors()
        kept = list(self._kept.values())
        values = values_of(kept, self._objectives)
        parents = [kept[i].decisions for i in np.argsort(-score(values), kind="stable")[:ELITES]]
        changes = 1
        while True:
            mutants = self._mutants(parents, changes, rng)
            features = self._features(mutants)
            with one_blas_thread():
                predicted = ensemble.predict(features)
            drawn = draws.normal(predicted.mean(axis=0), predicted.std(axis=0))
            if self._objectives == 1:
                promise = drawn[:, 0]
            else:
                promise = score(np.concatenate([scale.apply(values), drawn]))[len(values) :]
            yield from (mutants[i] for i in np.argsort(-promise, kind="stable"))
            changes = min(changes + 1, FARTHEST)

    def begin(self, number: int, decisions: Decisions) -> None:
        """The network is no mutant to propose any more."""
        self._begun.add(tuple(decisions.items()))

    def tell(self, result: TrialResult) -> None:
        """Remembers the result; every ``BATCH`` results the predictors get new examples."""
        self._kept[tuple(result.decisions.items())] = result
        self._told += 1
        if self._told >= STARTUP and self._told % BATCH == 0:
            self._forget()
            self._examples, self._fitted = list(self._kept.values()), None

    def _forget(self) -> None:
        """Keeps the best networks and the newest of the others."""
        if len(self._kept) > CAPACITY:
            networks = list(self._kept)
            order = np.argsort(-score(values_of(list(self._kept.values()), self._objectives)), kind="stable")
            chosen = sorted([*order[: CAPACITY // 2], *sorted(order[CAPACITY // 2 :])[-CAPACITY // 2 :]])
            self._kept = {networks[i]: self._kept[networks[i]] for i in chosen}

    def _predictors(self) -> tuple[Ensemble, RewardScale]:
        """The predictors of the newest examples. They are fitted when they are needed, which a replayed search seldom does."""
        if self._fitted is None:
            values = values_of(self._examples, self._objectives)
            scale = RewardScale.of(values)
            features = self._features([result.decisions for result in self._examples])
            with one_blas_thread():
                ensemble = Ensemble.fit(
                    features, scale.apply(values), seed_of(self._seed, "fit", self._told // BATCH)
                )
            self._fitted = ensemble, scale
        return self._fitted

    def _mutants(self, parents: list[Decisions], changes: int, rng: Random) -> list[Decisions]:
        """Different networks near ``parents``; those that were never begun, if there are any."""
        found: dict[Network, Decisions] = {}
        for _ in range(MUTANTS):
            mutant = rng.choice(parents)
            for _ in range(changes):
                mutant = self._space.mutate(mutant, rng)
            found[tuple(mutant.items())] = mutant
        new = [mutant for network, mutant in found.items() if network not in self._begun]
        return new or list(found.values())

    def _features(self, networks: list[Decisions]) -> Floats:
        return self._encoding.one_hot(np.array([self._encoding.row(network) for network in networks]))


SAMPLERS = (
    SamplerInfo(
        "bananas", "mutations of the best, ranked by an ensemble of neural predictors", BananasSampler
    ),
)
