"""The candidates of a search for α, β, γ by accuracy, with intervals.

The winner of a grid is a statistical statement: the candidates that the noise cannot tell from it are marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.stats import t as student

from search.scaling.bootstrap import LEVEL
from search.scaling.candidates import ScalingCandidate
from search.scaling.measurements import Measured, by_label, pooled_deviation

_DRAWS = 4000


@dataclass(frozen=True)
class Ranking:
    """Candidates by mean accuracy.

    ``rows`` hold label, kind, α, β, γ, φ, macs, mean accuracy, ``low`` and ``high`` (intervals at LEVEL by
    Student's t on the pooled deviation), seeds, ``best_share`` (how often it comes out best when the means
    are redrawn with the noise) and ``tied`` (cannot be told from the winner at LEVEL). ``deviation`` is that of
    one training between seeds, with ``freedom`` degrees of freedom. ``lead`` is the best compound's mean accuracy
    minus the best single dimension's, with its interval. With one seed each the noise is unknown: ``freedom`` is
    0, and intervals, ``best_share``, ``tied`` and ``lead`` are None.
    """

    rows: list[dict[str, Any]]
    deviation: float
    freedom: int
    lead: tuple[float, float, float] | None


def rank(pairs: Sequence[Measured], candidates: Sequence[ScalingCandidate], draws: int = _DRAWS) -> Ranking:
    """The ranking of measured (label, accuracy) pairs; candidates that do not compete are listed too.

    Coefficients that round to the same network are one candidate, under the first one's label.
    """
    known = {c.label: c for c in candidates}
    same_network: dict[str, list[str]] = {}
    for candidate in candidates:
        same_network.setdefault(candidate.architecture.key, []).append(candidate.label)
    first = {label: labels[0] for labels in same_network.values() for label in labels}
    pairs = [(first[label], accuracy) for label, accuracy in pairs]
    groups = by_label(pairs)
    deviation = pooled_deviation(pairs)
    freedom = sum(len(g) - 1 for g in groups.values())
    factor = float(student.ppf(0.5 + LEVEL / 2, freedom)) if freedom else 0.0
    order = sorted(groups, key=lambda label: -float(np.mean(groups[label])))
    competing = [label for label in order if known[label].competes]
    shares = _best_shares([groups[label] for label in competing], deviation, draws)
    best = groups[competing[0]] if competing else []
    rows = []
    for label in order:
        candidate, values = known[label], groups[label]
        mean = float(np.mean(values))
        error = factor * deviation / sqrt(len(values))
        compared = bool(freedom) and candidate.competes
        rows.append(
            {
                "candidate": label,
                "kind": candidate.kind,
                **dict(zip(("alpha", "beta", "gamma"), candidate.coefficients, strict=True)),
                "phi": candidate.phi,
                **dict(zip(("depth", "width"), candidate.multipliers[:2], strict=True)),
                "resolution": candidate.architecture.resolution,
                "macs": candidate.macs,
                "accuracy": mean,
                "low": mean - error if freedom else None,
                "high": mean + error if freedom else None,
                "seeds": len(values),
                "best_share": shares[competing.index(label)] if compared else None,
                "tied": _tied(values, best, factor * deviation) if compared else None,
                "moves": "; ".join(candidate.moves),
                "same_network": "; ".join(same_network[candidate.architecture.key][1:]),
            }
        )
    return Ranking(rows, deviation, freedom, _lead(rows, deviation, factor) if freedom else None)


def _tied(values: Sequence[float], best: Sequence[float], error: float) -> bool:
    """Whether the difference of two means is within the noise; ``error`` is the half-interval of one training."""
    gap = float(np.mean(best)) - float(np.mean(values))
    return bool(gap <= error * sqrt(1 / len(values) + 1 / len(best)))


def _best_shares(groups: Sequence[list[float]], deviation: float, draws: int) -> list[float]:
    """How often each group's mean is the highest when the means are redrawn with the noise."""
    if not groups:
        return []
    rng = np.random.default_rng(0)
    means = np.array([np.mean(g) for g in groups])
    errors = deviation / np.sqrt([len(g) for g in groups])
    winners = np.argmax(means + errors * rng.standard_normal((draws, len(groups))), axis=1)
    return [float(np.mean(winners == index)) for index in range(len(groups))]


def _lead(
    rows: Sequence[dict[str, Any]], deviation: float, factor: float
) -> tuple[float, float, float] | None:
    """(difference, low, high) of the best compound candidate against the best single dimension.

    Each is the best of its group, so the difference favours the larger group a little.
    """
    compound = [row for row in rows if row["kind"] == "compound"]
    singles = [row for row in rows if row["kind"] in ("depth", "width", "resolution")]
    if not compound or not singles:
        return None
    gap = compound[0]["accuracy"] - singles[0]["accuracy"]
    error = factor * deviation * sqrt(1 / compound[0]["seeds"] + 1 / singles[0]["seeds"])
    return gap, gap - error, gap + error
