"""Grid search: every assignment of a small space once."""

from __future__ import annotations

from collections.abc import Iterator

from results.trial_result import TrialResult
from search.samplers.protocol import SamplerInfo, generator
from space.errors import InputError
from space.search_space import Decisions, SearchSpace

LARGEST_GRID = 100_000


class GridSampler:
    """Every assignment once, in an order shuffled by the seed; the stream ends when all were proposed."""

    novel = True
    learns = False
    patience: int | None = None

    def __init__(self, space: SearchSpace, seed: int) -> None:
        if space.size > LARGEST_GRID:
            raise InputError(
                f"sampler grid: wanted a space of at most {LARGEST_GRID} assignments, got {space.name} with {space.size}"
            )
        self._order = list(space.enumerate())
        generator(seed, "grid").shuffle(self._order)
        self._next = 0

    def propose(self, number: int) -> Iterator[Decisions]:
        """The rest of the order."""
        return iter(self._order[self._next :])

    def begin(self, number: int, decisions: Decisions) -> None:
        """Moves past the assignment that was chosen."""
        for index in range(self._next, len(self._order)):
            if self._order[index] == decisions:
                self._next = index + 1
                return

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


SAMPLERS = (
    SamplerInfo(
        "grid",
        f"every assignment once, in a random order; spaces of at most {LARGEST_GRID:,}",
        lambda space, seed, objectives: GridSampler(space, seed),
    ),
)
