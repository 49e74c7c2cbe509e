"""What a sampler is: it proposes decisions and is told results, and knows nothing of storage or workers.

A sampler's state is a function of its settings and of what it was told, in the order of the trials' numbers.
Proposals for trial n are drawn from generators seeded by (seed, n), so a search that was stopped and goes on
proposes what the uninterrupted one would have. What is over budget or already measured is the loop's to know:
a sampler proposes a stream, and the loop takes the first candidate that will do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from results.trial_result import TrialResult
from space.search_space import Decisions, SearchSpace


class Sampler(Protocol):
    """Proposes and is told. ``begin`` is called once for every trial, in order of number, before its ``tell``.

    ``novel`` says that networks that were measured are to be skipped; ``learns`` that proposals depend on what
    was told; ``patience`` how many proposals the loop draws before it looks for itself. A stream that ends says
    that there is nothing left to propose.
    """

    novel: bool
    learns: bool
    patience: int | None

    def propose(self, number: int) -> Iterator[Decisions]:
        """Proposals for trial ``number``, the best first; reading more of them changes no later proposal."""

    def begin(self, number: int, decisions: Decisions) -> None:
        """Trial ``number`` runs with these decisions (proposed, taken from the storage, or the loop's own)."""

    def tell(self, result: TrialResult) -> None:
        """The result of a trial.

        Its ``values`` are to be maximised, every one; for a pruned trial they are of its last epoch, for an
        infeasible or failed one they are None.
        """


@dataclass(frozen=True)
class SamplerInfo:
    """A sampler by name: a line of description, and how it is made from (space, seed, number of objectives)."""

    name: str
    description: str
    make: Callable[[SearchSpace, int, int], Sampler]


def seed_of(*parts: object) -> int:
    """A 63-bit seed that is a function of ``parts``, the same on every machine."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1


def generator(*parts: object) -> random.Random:
    """A generator seeded by ``parts``."""
    return random.Random(seed_of(*parts))
