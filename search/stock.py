"""Stock networks as trials: known networks under the budgets of a search, which it measures first and is compared with.

A stock network that is one of the space's own has decisions, and the sampler learns from it. The others are measured and
compared only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from search.candidate_cache import CandidateCache, DecodedCandidate
from space.cost import costs
from space.search_space import Decisions
from space.stock import StockNetwork


@dataclass(frozen=True, slots=True)
class StockCandidate:
    """A stock network as a search measures it: its name, and the candidate, which has no decisions if it is not of the space."""

    name: str
    candidate: DecodedCandidate


def stock_candidates(
    networks: Iterable[StockNetwork], cache: CandidateCache, members: Iterable[Decisions] = ()
) -> tuple[StockCandidate, ...]:
    """The networks as candidates; ``members`` are decisions of the space that may stand for one of them."""
    decoded = [candidate for decisions in members if (candidate := cache.decode(decisions)) is not None]
    own = {candidate.key: candidate for candidate in decoded}
    found = []
    for network in networks:
        architecture = network.architecture
        outside = DecodedCandidate({}, architecture.key, architecture, {**costs(architecture).searched()})
        found.append(StockCandidate(network.name, own.get(architecture.key, outside)))
    return tuple(found)
