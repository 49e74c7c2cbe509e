"""Networks for which the acquisition function is high: a pool is ranked, and then improved one decision at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from search.encoding import Encoding, Floats, Ints
from search.history import History

CLIMBERS, NEIGHBOURS, ROUNDS = 6, 12, 2
"""In each of ROUNDS rounds, NEIGHBOURS mutations of each of the CLIMBERS best rows are added."""


def climb(
    pool: Ints,
    score: Callable[[Ints], Floats],
    encoding: Encoding,
    history: History,
    rng: np.random.Generator,
) -> Ints:
    """The rows of ``pool`` and of what was found by mutating the best of them, the highest score first."""
    scores = score(pool)
    for _ in range(ROUNDS):
        best = pool[np.argsort(-scores, kind="stable")[:CLIMBERS]]
        parents = np.repeat(best, NEIGHBOURS, axis=0)
        near = history.new(encoding.mutate(parents, np.ones(len(parents), dtype=np.int64), rng))
        pool, scores = np.concatenate([pool, near]), np.concatenate([scores, score(near)])
    return pool[np.argsort(-scores, kind="stable")]
