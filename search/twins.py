"""Rows of a table that are one network by their key but were measured apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.table import TableEvaluator
from search.candidate_cache import CandidateCache


@dataclass(frozen=True)
class Twins:
    """``rows`` have the key of an earlier row and other results; ``apart`` is the largest difference of their truths.

    It is in points of accuracy, or a difference of losses. A search measures one of them and takes the result for all.
    """

    rows: int
    apart: float


def twins(evaluator: TableEvaluator, cache: CandidateCache) -> Twins | None:
    """The twins among the rows of ``evaluator``; None where rows of one key hold the same results."""
    first: dict[str, int] = {}
    rows, apart = 0, 0.0
    shown = evaluator.settings.scale.shown(evaluator.truths)
    for row, decisions in enumerate(evaluator.assignments()):
        candidate = cache.decode(decisions)
        if candidate is None:
            continue
        known = first.setdefault(candidate.key, row)
        accuracies = evaluator.accuracies[[known, row]]
        if not np.array_equal(accuracies[0], accuracies[1], equal_nan=True) or shown[known] != shown[row]:
            rows += 1
            apart = max(apart, abs(float(shown[known] - shown[row])))
    return Twins(rows, apart) if rows else None
