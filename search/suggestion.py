"""From a sampler's stream to one network that will do: within budget, and new where the sampler wants that.

This is the one place where budgets and repeats are dealt with, for every sampler alike. Where the stream
gives nothing within the sampler's patience, networks near those already known to be within budget are tried,
then the space itself where it is small; every one of these is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from results.trial_result import TrialResult
from search.candidate_cache import CandidateCache, DecodedCandidate
from search.samplers.protocol import Sampler, generator
from space.errors import BudgetError

NEARBY, ENUMERATED = 2000, 20_000
"""Draws near known networks, and the size up to which a space is enumerated to the last network."""


class Exhausted(Exception):
    """Nothing is left to suggest; the message says why."""


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

        Raises Exhausted where the stream ends, BudgetError where nothing within budget could be drawn.
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
                f"within {', '.join(self._cache.budgets.bounds())}"
            )
        return found

    def begin(self, trial: TrialResult) -> None:
        """Takes a trial as running."""
        self._sampler.begin(trial.number, trial.decisions)
        if trial.key is not None:
            self._keys.add(trial.key)
        self._begun.append(trial)

    def _nearby(self, number: int, repeat: DecodedCandidate | None) -> DecodedCandidate | None:
        """One to three mutations away from a network within budget; else one never tried; else a repeat."""
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
            fresh = self._never_tried()
            if fresh is not None:
                return fresh
        if repeat is None and self._feasible_fallback is not None:
            repeat = self._feasible_fallback
        return repeat

    def _never_tried(self) -> DecodedCandidate | None:
        """The first network of the space, in order, that was not suggested; the order is walked only once."""
        if self._left is None:
            candidates = (self._cache.decode(d) for d in self._cache.space.enumerate())
            self._left = (c for c in candidates if c is not None and self._cache.within(c))
        for candidate in self._left:
            if candidate.key not in self._keys:
                return candidate
        return None
