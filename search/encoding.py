"""Assignments as rows of numbers: what the controller's policy, the Gaussian process and their proposals work on.

A row holds the position of each decision's option, −1 where the decision is inactive; rows have the type int64 and the
shape (sequences, decisions).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from space.search_space import Decision, Decisions, Option, SearchSpace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Encoding:
    """Assignments ↔ rows of option positions, and which decisions are active."""

    def __init__(self, space: SearchSpace) -> None:
        self.decisions = space.decisions
        self.sizes = np.array([len(d.options) for d in space.decisions])
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)])[:-1]
        self.options = int(self.sizes.sum())
        self.unconditional = all(d.parent is None for d in space.decisions)
        position = {d.name: i for i, d in enumerate(space.decisions)}
        # (parent's position, whether each of its options makes the decision active; the last entry is "inactive").
        self._parents: list[tuple[int, NDArray[np.bool_]] | None] = [
            None if d.parent is None else (position[d.parent], _admits(space.by_name[d.parent], d.when))
            for d in space.decisions
        ]

    def row(self, assignment: Decisions) -> Ints:
        """Option positions, −1 where inactive; shape (decisions,)."""
        return np.array(
            [d.index(assignment[d.name]) if d.name in assignment else -1 for d in self.decisions],
            dtype=np.int64,
        )

    def assignment(self, row: Ints) -> Decisions:
        """The assignment that a row stands for."""
        return {
            d.name: d.options[value]
            for d, value in zip(self.decisions, row.tolist(), strict=True)
            if value >= 0
        }

    def active(self, rows: Ints, decision: int) -> NDArray[np.bool_]:
        """Which sequences have ``decision`` active, given the options of those before it; shape (sequences,)."""
        parent = self._parents[decision]
        if parent is None:
            return np.ones(len(rows), dtype=bool)
        return parent[1][rows[:, parent[0]]]

    def complete(self, kept: Ints, rng: np.random.Generator) -> Ints:
        """``kept`` with every −1 that is active drawn uniformly among its options.

        A kept option whose decision is not active under what was drawn is dropped.
        """
        drawn = np.minimum((rng.random(kept.shape) * self.sizes).astype(np.int64), self.sizes - 1)
        rows = np.where(kept >= 0, kept, drawn)
        if not self.unconditional:
            for decision, parent in enumerate(self._parents):
                if parent is not None:
                    rows[~self.active(rows, decision), decision] = -1
        return rows

    def mutate(self, rows: Ints, changes: Ints, rng: np.random.Generator) -> Ints:
        """Each row with as many of its active decisions changed as ``changes`` (sequences,) says, or all of them.

        A changed decision takes another option; decisions that become active are drawn uniformly.
        """
        open_ = (rows >= 0) & (self.sizes > 1)
        draws = np.where(open_, rng.random(rows.shape), 2.0)
        last = np.clip(np.minimum(changes, open_.sum(axis=1)) - 1, 0, None)
        change = open_ & (draws <= np.take_along_axis(np.sort(draws, axis=1), last[:, None], axis=1))
        step = 1 + (rng.random(rows.shape) * (self.sizes - 1)).astype(np.int64)
        return self.complete(np.where(change, (rows + step) % self.sizes, rows), rng)

    def one_hot(self, rows: Ints) -> Floats:
        """1 for each chosen option, 0 elsewhere; shape (sequences, options)."""
        hot = np.zeros((len(rows), self.options))
        sequence, decision = np.nonzero(rows >= 0)
        hot[sequence, self.offsets[decision] + rows[sequence, decision]] = 1.0
        return hot


def _admits(parent: Decision, values: tuple[Option, ...]) -> NDArray[np.bool_]:
    admits = np.zeros(len(parent.options) + 1, dtype=bool)
    admits[[parent.index(value) for value in values]] = True
    return admits
