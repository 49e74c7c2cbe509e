"""From a sampler's proposals to the network of a trial: within budget, and new if the sampler wants that.

Budgets and repeats are handled here, for all samplers. If none of the sampler's first ``patience`` proposals can be
used, mutations of networks known to be within budget are tried, and then the space is enumerated if it is small. The
number of tries is bounded in each case.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from results.trial_result import TrialResult
from search.candidate_cache import CandidateCache, DecodedCandidate
from search.samplers.protocol import Sampler, generator
from space.errors import BudgetError

NEARBY, ENUMERATED = 2000, 20_000
"""How many mutations of known networks are tried, and the size up to which a space is enumerated."""


class Exhausted(Exception):
    """There is nothing left to suggest; the message says why."""


class Suggestions:
    """Chooses the network of each trial and remembers what was chosen."""

    def __init__(
        self,
        seed: int,
        cache: CandidateCache,
        sampler: Sampler,
        feasible_fallback: DecodedCandidate | None = None,
    ) -> None:
        self._seed, self._cache, self._sampler = seed, cache, sampler
        self._keys: set[str] = set()
        self._begun: list[TrialResult] = []
        self._feasible_fallback = feasible_fallback
        self._left: Iterator[DecodedCandidate] | None = None

    def next(self, number: int) -> DecodedCandidate:
        """The network of trial ``number``.

        Raises Exhausted where the sampler has nothing left to propose, BudgetError where no network within budget
        was found.
        """
        stream = self._sampler.propose(number)
        repeat: DecodedCandidate | None = None
        tried = 0
        for decisions in islice(stream, self._sampler.patience):
            tried += 1
            candidate = self._cache.decode(decisions)
            if candidate is None or not self._cache.within(candidate):
                continue
            if not self._sampler.novel or candidate.key not in self._keys:
                return candidate
            repeat = repeat or candidate
        if self._sampler.patience is None:
            raise Exhausted(f"all that the space offers was measured after {number} trials")
        found = self._nearby(number, repeat)
        if found is None:
            raise BudgetError(
                f"budget: none of {tried + NEARBY} networks drawn from space {self._cache.space.name} is "
                f"{self._wanted()}"
            )
        return found

    def _wanted(self) -> str:
        """What a network must be to be suggested."""
        bounds = ", ".join(self._cache.budgets.bounds())
        if not self._cache.partial:
            return f"within {bounds}"
        rest = "which holds a part of the space (lookup = 'surrogate' answers for the rest)"
        return f"in the table{f' and within {bounds}' if bounds else ''}, {rest}"

    def begin(self, trial: TrialResult) -> None:
        """Records a trial that runs now, or ran before its search was resumed."""
        self._sampler.begin(trial.number, trial.decisions)
        if trial.key is not None:
            self._keys.add(trial.key)
        self._begun.append(trial)

    def _nearby(self, number: int, repeat: DecodedCandidate | None) -> DecodedCandidate | None:
        """A network one to three mutations from one within budget; else one never suggested; else a repeat."""
        space, rng = self._cache.space, generator(self._seed, "nearby", number)
        known = [trial.decisions for trial in self._begun[-50:]]
        if self._feasible_fallback is not None:
            known.append(self._feasible_fallback.decisions)
        for _ in range(NEARBY if known else 0):
            decisions = rng.choice(known)
            for _ in range(rng.randint(1, 3)):
                decisions = space.mutate(decisions, rng)
            candidate = self._cache.decode(decisions)
            if candidate is None or not self._cache.within(candidate):
                continue
            if not self._sampler.novel or candidate.key not in self._keys:
                return candidate
            repeat = repeat or candidate
        if self._sampler.novel and space.size <= ENUMERATED:
            fresh = self._never_suggested()
            if fresh is not None:
                return fresh
        if repeat is None and self._feasible_fallback is not None:
            repeat = self._feasible_fallback
        return repeat

    def _never_suggested(self) -> DecodedCandidate | None:
        """The first network of the space, in order, that was never suggested; the space is enumerated only once."""
        if self._left is None:
            candidates = (self._cache.decode(d) for d in self._cache.space.enumerate())
            self._left = (c for c in candidates if c is not None and self._cache.within(c))
        for candidate in self._left:
            if candidate.key not in self._keys:
                return candidate
        return None
