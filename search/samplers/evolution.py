"""Regularised evolution (Real, Aggarwal, Huang and Le 2019, algorithm 1): the oldest member is removed, not the worst.

The population is the last ``population`` finished trials. A parent is the best of a tournament of
``tournament`` members drawn without replacement; its child differs by one mutation. Departures from the
paper: the population is small, because a search here has tens to hundreds of evaluations and not 20,000;
a child that equals a measured network is drawn again; with several objectives the tournament is won by
Pareto rank, then by crowding distance (as in NSGA-II, Deb et al. 2002).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count

from results.pareto import crowding, ranks
from results.trial_result import TrialResult
from search.samplers.protocol import SamplerInfo, generator
from space.errors import InputError
from space.search_space import Decisions, SearchSpace

POPULATION, TOURNAMENT = 20, 5


class EvolutionSampler:
    """Ageing evolution over the decisions of any space."""

    novel = True
    learns = True
    patience: int | None = 200

    def __init__(
        self, space: SearchSpace, seed: int, population: int = POPULATION, tournament: int = TOURNAMENT
    ) -> None:
        if not 1 <= tournament <= population:
            raise InputError.of("tournament", f"1 to {population}, the population", tournament)
        self._space, self._seed = space, seed
        self._size, self._tournament = population, tournament
        self._population: deque[TrialResult] = deque(maxlen=population)

    def propose(self, number: int) -> Iterator[Decisions]:
        """Random networks for the first population, then children, each from a tournament of its own."""
        rng = generator(self._seed, "evolution", number)
        members = list(self._population)
        if number < self._size or not members:
            return (self._space.sample(rng) for _ in count())
        fitness = _fitness(members)

        def child() -> Decisions:
            drawn = rng.sample(range(len(members)), min(self._tournament, len(members)))
            parent = members[max(drawn, key=fitness.__getitem__)]
            return self._space.mutate(dict(parent.decisions), rng)

        return (child() for _ in count())

    def begin(self, number: int, decisions: Decisions) -> None:
        """Running trials are not members of the population."""

    def tell(self, result: TrialResult) -> None:
        """Adds the newest member; the oldest is removed."""
        self._population.append(result)


def _fitness(members: list[TrialResult]) -> list[tuple[float, float]]:
    """Sortable, greater is fitter; failed and infeasible members come last."""
    valued = [i for i, member in enumerate(members) if member.values is not None]
    fitness = [(float("-inf"), 0.0)] * len(members)
    points = [members[i].values or () for i in valued]
    if points and len(points[0]) > 1:
        directions = ["maximize"] * len(points[0])
        spread = crowding(points, directions)
        for i, rank, distance in zip(valued, ranks(points, directions), spread, strict=True):
            fitness[i] = (-float(rank), float(distance))
    else:
        for i, point in zip(valued, points, strict=True):
            fitness[i] = (point[0], 0.0)
    return fitness


SAMPLERS = (
    SamplerInfo(
        "evolution",
        "regularised evolution",
        lambda space, seed, objectives: EvolutionSampler(space, seed),
    ),
)
