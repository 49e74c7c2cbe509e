"""The candidates of a search for α, β, γ as a search space with two decisions: which candidate, and which seed.

So they run through the same loop, storage and workers as any search. A trained network is known by its key and
its seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.scaling.candidates import ScalingCandidate
from space.architecture import Architecture
from space.errors import InputError
from space.search_space import Decision, Decisions, Option, SearchSpace

CANDIDATE, SEED = "contender", "seed"
"""Names of the two decisions. Studies are stored with them: the first keeps the name it had in version 0.1."""


def decisions_for(label: str, seed: int) -> Decisions:
    """The decisions of the training of candidate ``label`` with ``seed``."""
    return {CANDIDATE: label, SEED: seed}


def label_of(decisions: Mapping[str, Option]) -> str:
    """The label of the candidate that a trial trains."""
    return str(decisions[CANDIDATE])


def candidate_space(candidates: Sequence[ScalingCandidate], seeds: Sequence[int]) -> SearchSpace:
    """The space of (candidate, seed). Raises InputError where two candidates have one label."""
    networks = {c.label: c.architecture for c in candidates}
    if len(networks) < len(candidates):
        raise InputError.of("candidates", "distinct labels", [c.label for c in candidates])

    def build(decisions: Mapping[str, Option]) -> Architecture:
        return networks[label_of(decisions)]

    decisions = (Decision(CANDIDATE, tuple(networks)), Decision(SEED, tuple(seeds)))
    return SearchSpace("scaling", decisions, build)


@dataclass(frozen=True)
class SeededKeys:
    """Which trials are the same training: those of the same network with the same seed."""

    keys: Mapping[str, str]

    @classmethod
    def of(cls, candidates: Sequence[ScalingCandidate]) -> SeededKeys:
        return cls({c.label: c.architecture.key for c in candidates})

    def key(self, decisions: Mapping[str, Option]) -> str | None:
        """The network's key and the seed."""
        return f"{self.keys[label_of(decisions)]}-{decisions[SEED]}"
