"""What a searcher is: it proposes decisions and is told results, and knows nothing of storage or workers.

A searcher's state is a function of its settings and of what it was told, in the order of the trials'
numbers. Proposals for trial n are drawn from generators seeded by (seed, n), so a search that was stopped
and goes on proposes what the uninterrupted one would have. What is over budget or already measured is the
loop's to know: a searcher proposes a stream, and the loop takes the first that will do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from typing import Protocol

from space.search_space import Decisions, SearchSpace

STATES = ("complete", "pruned", "infeasible", "failed")


@dataclass(frozen=True, slots=True)
class Told:
    """A finished trial as a searcher sees it.

    ``values`` are to be maximised, every one; for a pruned trial they are of its last epoch, for an
    infeasible or failed one they are None. ``curve`` is accuracy by epoch.
    """

    number: int
    decisions: Decisions
    values: tuple[float, ...] | None
    state: str = "complete"
    curve: tuple[tuple[int, float], ...] = ()


class Searcher(Protocol):
    """Proposes and is told. ``begin`` is called once for every trial, in order of number, before its ``tell``.

    ``novel`` says that repeats of measured networks are to be skipped; ``learns`` that proposals depend on
    what was told; ``patience`` how many proposals the loop draws before it looks for itself. A stream that
    ends says that there is nothing left to propose.
    """

    novel: bool
    learns: bool
    patience: int | None

    def propose(self, number: int) -> Iterator[Decisions]:
        """Proposals for trial ``number``, the best first; reading more of them changes no later proposal."""

    def begin(self, number: int, decisions: Decisions) -> None:
        """Trial ``number`` runs with these decisions (proposed, taken from the store, or the loop's own)."""

    def tell(self, told: Told) -> None:
        """The result of a trial."""


def seed_of(*parts: object) -> int:
    """A 63-bit seed that is a function of ``parts``, the same on every machine."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1


def generator(*parts: object) -> random.Random:
    """A generator seeded by ``parts``."""
    return random.Random(seed_of(*parts))


class RandomSearcher:
    """Uniform draws, each active decision by itself; repeats happen, as in every plain random search."""

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

    def tell(self, told: Told) -> None:
        """Nothing to learn."""
