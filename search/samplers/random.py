"""Random search: uniform draws, the baseline of every comparison."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from results.trial_result import TrialResult
from search.samplers.protocol import SamplerInfo, generator
from space.search_space import Decisions, SearchSpace


class RandomSampler:
    """Draws each active decision uniformly; networks may repeat, as in every plain random search."""

    novel = False
    learns = False
    patience: int | None = 2000

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space, self._seed = space, seed

    def propose(self, number: int) -> Iterator[Decisions]:
        """An endless stream of draws."""
        rng = generator(self._seed, "random", number)
        return (self._space.sample(rng) for _ in count())

    def begin(self, number: int, decisions: Decisions) -> None:
        """Nothing to remember."""

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


SAMPLERS = (
    SamplerInfo(
        "random", "uniform draws, the baseline", lambda space, seed, objectives: RandomSampler(space, seed)
    ),
)
