"""The candidate cache: what is known of a network before it is measured, its key, its architecture and its costs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass

from evaluators.evaluator import Evaluator
from search.settings import Budgets
from space.architecture import Architecture
from space.cost import costs
from space.errors import ShapeError
from space.search_space import Decisions, Option, SearchSpace

REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class DecodedCandidate:
    """Decisions and what they stand for; ``costs`` holds whatever is known without measuring."""

    decisions: Decisions
    key: str
    architecture: Architecture | None
    costs: dict[str, float]


Key = Callable[[Mapping[str, Option]], str | None]
"""The key of the network that decisions stand for, None to leave it to the space."""


class CandidateCache:
    """Looks networks up by their decisions and says whether they are within budget; remembers the last ones.

    The costs and keys that ``evaluator`` knows go before those computed from the architecture; ``key`` replaces the
    evaluator's.
    """

    def __init__(
        self,
        space: SearchSpace,
        budgets: Budgets,
        evaluator: Evaluator | None = None,
        *,
        key: Key | None = None,
    ) -> None:
        self.space, self.budgets = space, budgets
        self.partial = evaluator is not None and evaluator.partial
        # What a table does not know of a network is never measured.
        self.complete = evaluator is None or evaluator.instant
        self._conditional = any(decision.parent is not None for decision in space.decisions)
        self._evaluator = evaluator
        self._key = key or (evaluator.key if evaluator is not None else None)
        self._known: OrderedDict[tuple[object, ...], DecodedCandidate | None] = OrderedDict()

    def under(self, budgets: Budgets) -> CandidateCache:
        """The same cache under other budgets; what is remembered is shared."""
        other = copy(self)
        other.budgets = budgets
        return other

    def decode(self, decisions: Decisions) -> DecodedCandidate | None:
        """The network of ``decisions``; None where they cannot be built (its tensors do not fit together)."""
        at = tuple(decisions.items())
        if at in self._known:
            self._known.move_to_end(at)
            return self._known[at]
        found = self._look_up(decisions)
        self._known[at] = found
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    def within(self, candidate: DecodedCandidate | None) -> bool:
        """Whether it exists and none of its known costs is over budget."""
        return candidate is not None and not self.budgets.exceeded(candidate.costs)

    def _decisions_key(self, decisions: Mapping[str, Option]) -> str:
        """The key of decisions that have no architecture behind them: the options in order.

        With conditional decisions their names too: equal options may belong to different ones.
        """
        if self._conditional:
            return "|".join(f"{name}={option}" for name, option in decisions.items())
        return "|".join(map(str, decisions.values()))

    def measurements(self, decisions: Mapping[str, Option]) -> int | None:
        """How many measurements of a network can differ by noise, None for any number; see ``Evaluator``."""
        return None if self._evaluator is None else self._evaluator.measurements(decisions)

    def _look_up(self, decisions: Decisions) -> DecodedCandidate | None:
        architecture = None
        known: dict[str, float] = {}
        if self._evaluator is not None and self.partial and not self._evaluator.knows(decisions):
            return None
        if self.space.build is not None:
            try:
                architecture = self.space.decode(decisions)
            except ShapeError:
                return None
        if architecture is not None:
            known |= costs(architecture).searched()
        if self._evaluator is not None:
            known |= self._evaluator.costs(decisions)
        key = self._key(decisions) if self._key is not None else None
        if key is None:
            key = architecture.key if architecture is not None else self._decisions_key(decisions)
        return DecodedCandidate(decisions, key, architecture, known)
