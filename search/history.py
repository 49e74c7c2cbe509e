"""What a sampler of ours remembers of a search, and the part of it that it learns from.

Models are fitted to a bounded number of trials, the best and the newest, so that a suggestion costs the same at
trial 5,000 as at trial 500.
"""

from __future__ import annotations

from bisect import insort

import numpy as np

from results.pareto import crowding, front, ranks
from results.trial_result import TrialResult
from search.encoding import Encoding, Floats, Ints
from space.search_space import Decisions


class History:
    """The trials of a search in the order in which they were told, with their rows.

    ``known`` holds the bytes of every row that was ever begun; histories of one search can share it. ``stale`` counts the
    results, without repeats, since the first objective was improved upon, ``neighbours``
    the networks that differ from the best one in one decision. A view has at most ``capacity`` trials.
    """

    def __init__(
        self, encoding: Encoding, objectives: int, capacity: int, known: set[bytes] | None = None
    ) -> None:
        self._encoding, self._objectives, self._capacity = encoding, objectives, capacity
        self.results: list[TrialResult] = []
        self.known: set[bytes] = set() if known is None else known
        self.stale = 0
        self.neighbours = 0
        self._highest = float("-inf")
        self._rows: dict[int, Ints] = {}
        self._pending: dict[int, None] = {}
        self._best: list[tuple[float, int]] = []
        self._front_state: tuple[int, list[int]] = (0, [])

    def __len__(self) -> int:
        return len(self.results)

    def begin(self, number: int, decisions: Decisions) -> None:
        """The network is under measurement."""
        self._rows[number] = self._encoding.row(decisions)
        self._pending[number] = None
        self.known.add(self._rows[number].tobytes())

    def tell(self, result: TrialResult) -> None:
        """Remembers the result."""
        self._pending.pop(result.number, None)
        self.results.append(result)
        self.stale += result.repeat_of is None
        if result.values is not None and result.values[0] > self._highest:
            self._highest, self.stale = result.values[0], 0
            active = self._rows[result.number] >= 0
            self.neighbours = int((self._encoding.sizes - 1)[active].sum())
        if result.values is not None and self._objectives == 1:
            insort(self._best, (-result.values[0], len(self.results) - 1))
            if len(self._best) > self._capacity // 2:
                self._best.pop()

    @property
    def pending(self) -> Ints:
        """The rows of the networks under measurement."""
        return np.array([self._rows[n] for n in self._pending]).reshape(-1, len(self._encoding.decisions))

    def view(self) -> View:
        """The trials to learn from: the best, and the newest of the others, in the order of their results."""
        # Of a front with more members than that, the oldest are left out.
        half = self._capacity // 2
        best = [index for _, index in self._best] if self._objectives == 1 else self._front()[-half:]
        chosen = set(best)
        for index in range(len(self.results) - 1, -1, -1):
            if len(chosen) == self._capacity:
                break
            chosen.add(index)
        trials = [self.results[i] for i in sorted(chosen)]
        return View(np.array([self._rows[t.number] for t in trials]), values_of(trials, self._objectives))

    def new(self, rows: Ints) -> Ints:
        """Those of ``rows`` that were never begun, each once, in order."""
        seen: set[bytes] = set()
        kept = []
        for index, row in enumerate(rows):
            at = row.tobytes()
            if at not in self.known and at not in seen:
                seen.add(at)
                kept.append(index)
        return rows[kept]

    def _front(self) -> list[int]:
        """Indices of the trials on the front, updated by comparing the new trials with the old front."""
        seen, members = self._front_state
        fresh = [i for i in range(seen, len(self.results)) if self.results[i].values is not None]
        candidates = [*members, *fresh]
        if fresh:
            points = np.array([self.results[i].values for i in candidates])
            on = front(points, ["maximize"] * self._objectives)
            members = [i for i, kept in zip(candidates, on, strict=True) if kept]
        self._front_state = (len(self.results), members)
        return members


class View:
    """Some trials in the order of their results: rows, values (trials, objectives) to be maximised, and scores 0 … 1."""

    def __init__(self, rows: Ints, values: Floats) -> None:
        self.rows, self.values = rows, values
        self.score = score(values)

    def best(self, number: int) -> Ints:
        """Positions of the ``number`` trials with the highest scores, the best first."""
        return np.argsort(-self.score, kind="stable")[:number]


def values_of(trials: list[TrialResult], objectives: int) -> Floats:
    """Values (trials, objectives); a failed or infeasible trial has the worst of each that was seen."""
    values = np.array([t.values if t.values is not None else (np.nan,) * objectives for t in trials])
    missing = np.isnan(values).any(axis=1)
    worst = np.zeros(objectives) if missing.all() else values[~missing].min(axis=0)
    values[missing] = worst
    return values


def score(values: Floats) -> Floats:
    """Positions 0 … 1 from the worst trial to the best: by value, or by Pareto rank and crowding."""
    if values.shape[1] == 1:
        order = np.argsort(values[:, 0], kind="stable")
    else:
        directions = ["maximize"] * values.shape[1]
        spread = crowding(values, directions)
        order = np.lexsort((spread, -ranks(values, directions)))
    position = np.empty(len(values))
    position[order] = np.arange(len(values))
    return position / max(1, len(values) - 1)
