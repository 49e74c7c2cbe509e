"""What a sampler is: it proposes decisions, is told results, and knows nothing of storage or workers.

A sampler's state is a function of its settings and of the results that it was told, in the order of the trials'
numbers. Proposals for trial n are drawn from generators seeded by (seed, n), so a resumed search proposes what the
uninterrupted one would have. A sampler does not know which networks are over budget or already measured: it proposes a
stream, and the loop takes the first candidate that can be used.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from results.trial_result import TrialResult
from space.search_space import Decisions, Option, SearchSpace

if TYPE_CHECKING:
    from search.prior.network_scores import NetworkScores
    from search.transfer.experience import Experience

Network = tuple[tuple[str, Option], ...]
"""A network's decisions as a key of dictionaries."""


class Sampler(Protocol):
    """Proposes decisions and is told results.

    ``begin`` is called once for every trial, in the order of their numbers, before its ``tell``. ``novel`` says that
    networks already measured are to be skipped, ``learns`` that proposals depend on results. ``patience`` is the
    number of proposals that the loop draws before it searches for a network itself; None draws all. A stream that ends
    says that there is nothing left to propose.
    """

    novel: bool
    learns: bool
    patience: int | None

    def propose(self, number: int) -> Iterator[Decisions]:
        """Proposals for trial ``number``, the best first. Reading more of them changes no later proposal."""

    def begin(self, number: int, decisions: Decisions) -> None:
        """Trial ``number`` runs with these decisions: proposed, read from the storage, or found by the loop."""

    def tell(self, result: TrialResult) -> None:
        """The result of a trial.

        A repeat (one with ``repeat_of``) has the mean of its network's measurements so far: the best that is known of it.
        All of its ``values`` are to be maximised. Those of a pruned trial are of its last epoch; those of an
        infeasible or failed one are None.
        """


@runtime_checkable
class Heir(Protocol):
    """A sampler that can start from what other studies of its space found."""

    def inherit(self, experiences: Sequence[Experience]) -> None:
        """Starts from these; to be called before anything is proposed or told."""


@runtime_checkable
class Informed(Protocol):
    """A sampler that can use scores of networks that need no training."""

    def inform(self, scores: NetworkScores) -> None:
        """Uses these from the start; to be called before anything is proposed or told."""


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
