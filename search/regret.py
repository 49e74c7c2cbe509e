"""How good searches on a table were: regret, hypervolume, and evaluations until only noise is left.

Simple regret after n evaluations is the highest true accuracy of the table minus the true accuracy of the network
whose *observed* accuracy was the highest so far, in points of accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.table import TableEvaluator
from results.pareto import front, hypervolume
from search.benchmark import SamplerRun
from search.candidate_cache import CandidateCache
from search.settings import SearchSettings


@dataclass(frozen=True)
class ReferenceOptimum:
    """What the searches on a table are compared with.

    ``best`` is the highest true accuracy within budget, a fraction. ``exact`` says whether that is known: for a
    surrogate it is the highest of the table's rows and of all networks that were seen. ``noise`` is the mean standard
    deviation of an accuracy between seeds. For several objectives, ``volume`` is the hypervolume of the true front
    and ``reference_point`` the point it is measured from.
    """

    best: float
    exact: bool
    noise: float
    volume: float | None = None
    reference_point: tuple[float, ...] | None = None


def reference_optimum(
    evaluator: TableEvaluator, settings: SearchSettings, runs: Sequence[SamplerRun]
) -> ReferenceOptimum:
    """The optimum of the rows within budget, and of what the runs saw.

    The reference point is the lowest accuracy and the highest costs of all rows, within budget or not.
    """
    cache = CandidateCache(evaluator.space, settings.budgets, evaluator)
    truths, points, all_points = [], [], []
    objective = settings.objective
    for decisions in evaluator.assignments():
        candidate = cache.decode(decisions)
        if candidate is None:
            continue
        truth = evaluator.truth(decisions)
        point = objective.values(truth, candidate.costs) if objective.minimised else (truth,)
        all_points.append(point)
        if cache.within(candidate):
            truths.append(truth)
            points.append(point)
    exact = evaluator.surrogate is None
    noise = float(evaluator.accuracies.std(axis=1).mean())
    best = max(truths, default=0.0) if exact else max([*truths, *(max(run.best) for run in runs)])
    if not objective.minimised:
        return ReferenceOptimum(best, exact, noise)
    array = np.array(all_points)
    reference = (float(array[:, 0].min()), *(float(v) for v in array[:, 1:].max(axis=0)))
    volume = hypervolume(np.array(points), objective.directions, reference)
    return ReferenceOptimum(best, exact, noise, volume, reference)


def regrets(runs: Sequence[SamplerRun], optimum: ReferenceOptimum) -> dict[str, NDArray[np.float64]]:
    """Regret in points by sampler, of shape (runs, evaluations that all of them came to)."""
    found = {}
    for name in dict.fromkeys(run.sampler for run in runs):
        own = [run.best for run in runs if run.sampler == name]
        length = min(map(len, own))
        found[name] = 100 * (optimum.best - np.array([best[:length] for best in own]))
    return found


def summary(
    runs: Sequence[SamplerRun],
    optimum: ReferenceOptimum,
    evaluations: Sequence[int],
    directions: Sequence[str],
) -> list[dict[str, Any]]:
    """One row for each sampler and number of evaluations; regret in points of accuracy.

    A run that ended earlier counts with its last evaluation. ``evaluations_to_noise`` is the median number of
    evaluations until the regret is within one seed's noise, None where fewer than half of the runs got there.
    """
    rows = []
    for name in dict.fromkeys(run.sampler for run in runs):
        own = [run for run in runs if run.sampler == name]
        reached = median(_evaluations_to_noise(run, optimum) for run in own)
        for n in evaluations:
            regret = [100 * (optimum.best - run.best[min(n, len(run.best)) - 1]) for run in own]
            row: dict[str, Any] = {
                "sampler": name,
                "evaluations": n,
                "regret_mean": fmean(regret),
                "regret_median": median(regret),
                "regret_sem": _standard_error(regret),
                "repeats": len(own),
                "evaluations_to_noise": int(reached) if reached != float("inf") else None,
                "reused_mean": fmean(run.cache_hits for run in own),
                "seconds_per_suggestion": fmean(run.seconds_per_suggestion for run in own),
            }
            if optimum.volume is not None:
                shares = [hypervolume_share(run, optimum, n, directions) for run in own]
                row["hypervolume_share"] = fmean(shares)
                row["hypervolume_sem"] = _standard_error(shares)
            rows.append(row)
    return rows


def hypervolume_share(run: SamplerRun, optimum: ReferenceOptimum, n: int, directions: Sequence[str]) -> float:
    """Hypervolume of the true values of the first ``n`` networks, as a share of the true front's."""
    assert optimum.volume and optimum.reference_point is not None
    points = np.array(run.points[:n])
    own = hypervolume(points[front(points, directions)], directions, optimum.reference_point)
    return float(own) / optimum.volume


def _evaluations_to_noise(run: SamplerRun, optimum: ReferenceOptimum) -> float:
    for index, truth in enumerate(run.best):
        if truth >= optimum.best - optimum.noise:
            return index + 1
    return float("inf")


def _standard_error(values: Sequence[float]) -> float | None:
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
