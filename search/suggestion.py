"""From a searcher's stream to one network that will do: within budget, and new where the searcher wants that.

This is the one place where budgets and repeats are dealt with, for every searcher alike. Where the stream
gives nothing within the searcher's patience, networks near those already known to be within budget are tried,
then the space itself where it is small; every one of these is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from search.catalogue import Catalogue, Network
from search.persistence import Row
from search.searcher import Searcher, generator
from space.errors import BudgetError

NEARBY, COUNTED = 2000, 20_000
"""Draws near known networks, and the size up to which a space is counted out to the last network."""


class Exhausted(Exception):
    """Nothing is left to suggest; the message says why."""


class Suggestions:
    """Chooses the network of each trial and remembers what was chosen."""

    def __init__(
        self, seed: int, catalogue: Catalogue, searcher: Searcher, anchor: Network | None = None
    ) -> None:
        self._seed, self._catalogue, self._searcher = seed, catalogue, searcher
        self._keys: set[str] = set()
        self._begun: list[Row] = []
        self._anchor = anchor
        self._left: Iterator[Network] | None = None

    def next(self, number: int) -> Network:
        """The network of trial ``number``.

        Raises Exhausted where the stream ends, BudgetError where nothing within budget could be drawn.
        """
        stream = self._searcher.propose(number)
        repeat: Network | None = None
        tried = 0
        for decisions in islice(stream, self._searcher.patience):
            tried += 1
            network = self._catalogue.network(decisions)
            if network is None or not self._catalogue.within(network):
                continue
            if not self._searcher.novel or network.key not in self._keys:
                return network
            repeat = repeat or network
        if self._searcher.patience is None:
            raise Exhausted(f"all that the space offers was measured after {number} trials")
        found = self._nearby(number, repeat)
        if found is None:
            raise BudgetError(
                f"budget: none of {tried + NEARBY} networks drawn from space {self._catalogue.space.name} is "
                f"within {', '.join(self._catalogue.budgets.bounds())}"
            )
        return found

    def begin(self, row: Row) -> None:
        """Takes trial ``row`` as running."""
        self._searcher.begin(row.number, row.decisions)
        self._keys.add(row.key)
        self._begun.append(row)

    def _nearby(self, number: int, repeat: Network | None) -> Network | None:
        """One to three mutations away from a network within budget; else one never tried; else a repeat."""
        space, rng = self._catalogue.space, generator(self._seed, "nearby", number)
        known = [row.decisions for row in self._begun[-50:]]
        if self._anchor is not None:
            known.append(self._anchor.decisions)
        for _ in range(NEARBY if known else 0):
            decisions = rng.choice(known)
            for _ in range(rng.randint(1, 3)):
                decisions = space.mutate(decisions, rng)
            network = self._catalogue.network(decisions)
            if network is None or not self._catalogue.within(network):
                continue
            if not self._searcher.novel or network.key not in self._keys:
                return network
            repeat = repeat or network
        if self._searcher.novel and space.size <= COUNTED:
            fresh = self._never_tried()
            if fresh is not None:
                return fresh
        if repeat is None and self._anchor is not None:
            repeat = self._anchor
        return repeat

    def _never_tried(self) -> Network | None:
        """The first network of the space, in order, that was not suggested; the order is walked only once."""
        if self._left is None:
            networks = (self._catalogue.network(d) for d in self._catalogue.space.enumerate())
            self._left = (n for n in networks if n is not None and self._catalogue.within(n))
        for network in self._left:
            if network.key not in self._keys:
                return network
        return None
