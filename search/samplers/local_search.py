"""Local search: hill climbing from random starts (White, Nolen and Savani 2021, algorithm 1).

A climb starts from the best of ``STARTS`` random networks. Its neighbours (one decision changed) are measured in a random
order; as soon as one is better, its neighbours come next. When no neighbour is left, another climb starts. Both choices,
ten starts and moving at once, are the defaults of the authors' code; the paper's plainest variant has one start and measures
every neighbour before it moves.

With several objectives it is Pareto local search (Paquete, Chiarandini and Stützle 2004): the neighbours of every network
that is on the climb's own front are measured; next, in turn, is one of a random network and one of that which stands most alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from results.pareto import crowding, front
from results.trial_result import TrialResult
from search.samplers.protocol import Network, SamplerInfo, generator
from space.search_space import Decisions, SearchSpace

STARTS = 10
"""Random networks at the beginning of each climb."""


class LocalSearchSampler:
    """The sampler that this module describes."""

    novel = True
    learns = True
    patience: int | None = 1000

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space, self._seed = space, seed
        self._climb = _Climb(space, seed)
        self._climbs: dict[Network, _Climb] = {}

    def propose(self, number: int) -> Iterator[Decisions]:
        """What is left of the neighbours, where a climb goes on; then random networks, with which the next one starts."""
        if self._climb.has_started:
            for _, neighbours in self._climb.left(number):
                for network in neighbours:
                    if network not in self._climbs:
                        yield dict(network)
        rng = generator(self._seed, "local-search", number)
        while True:
            yield self._space.sample(rng)

    def begin(self, number: int, decisions: Decisions) -> None:
        """A neighbour belongs to the climb that proposed it. A network that is none starts the next climb."""
        network = tuple(decisions.items())
        if network in self._climbs:
            return
        if self._climb.has_started and not self._climb.take(number, network):
            self._climb = _Climb(self._space, self._seed)
        self._climb.begun += 1
        self._climbs[network] = self._climb

    def tell(self, result: TrialResult) -> None:
        """A climb that had ended goes on if the last of its neighbours turn out to be better."""
        if result.values is None:
            return
        network = tuple(result.decisions.items())
        climb = self._climbs[network]
        if climb.tell(network, result.values) and climb.has_started:
            self._climb = climb


class _Climb:
    """The networks of one climb, the best of them, and how many of their neighbours were tried or passed over."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space, self._seed = space, seed
        self._values: dict[Network, tuple[float, ...]] = {}
        self._best: list[Network] = []
        self._neighbours: dict[Network, list[Network]] = {}
        self._passed: dict[Network, int] = {}
        self.begun = 0

    @property
    def has_started(self) -> bool:
        """Whether the random networks were begun and one of them has a result."""
        return self.begun >= STARTS and bool(self._best)

    def left(self, number: int) -> Iterator[tuple[Network, list[Network]]]:
        """The best networks in the order of trial ``number``, each with those of its neighbours that were not tried."""
        for network in self._order(number):
            neighbours = self._around(network)[self._passed.get(network, 0) :]
            if neighbours:
                yield network, neighbours

    def _order(self, number: int) -> list[Network]:
        order = list(self._best)
        generator(self._seed, "climb", number).shuffle(order)
        if len(order) > 1 and number % 2:
            points = np.array([self._values[network] for network in order])
            alone = crowding(points, ["maximize"] * points.shape[1])
            order = [order[i] for i in np.argsort(-alone, kind="stable")]
        return order

    def take(self, number: int, chosen: Network) -> bool:
        """Passes over the neighbours before ``chosen``, which could not be used; whether it is one of them."""
        for network, neighbours in self.left(number):
            at = neighbours.index(chosen) if chosen in neighbours else len(neighbours) - 1
            self._passed[network] = self._passed.get(network, 0) + at + 1
            if neighbours[at] == chosen:
                return True
        return False

    def tell(self, network: Network, values: tuple[float, ...]) -> bool:
        """Takes a result in, or what a network's measurements come to by now; whether a new network is among the best."""
        new = network not in self._values
        self._values[network] = values
        candidates = [*self._best, network] if new else list(self._values)
        points = np.array([self._values[candidate] for candidate in candidates])
        if points.shape[1] == 1:
            best = points[:, 0] == points.max()
        else:
            best = front(points, ["maximize"] * points.shape[1])
        self._best = [candidate for candidate, on in zip(candidates, best, strict=True) if on]
        return new and network in self._best

    def _around(self, network: Network) -> list[Network]:
        if network not in self._neighbours:
            rng = generator(self._seed, "neighbours", network)
            found = [tuple(n.items()) for n in self._space.neighbours(dict(network), rng)]
            rng.shuffle(found)
            self._neighbours[network] = found
        return self._neighbours[network]


SAMPLERS = (
    SamplerInfo(
        "local-search",
        "hill climbing from random starts",
        lambda space, seed, objectives: LocalSearchSampler(space, seed),
    ),
)
