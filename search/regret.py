"""How good searches on a table were: regret, share of the true front, and evaluations until only noise is left.

Simple regret after n evaluations is the highest true accuracy of the table minus the true accuracy of the network that a
search of n evaluations names as best, by what it *observed*; in points of accuracy, or as a difference of losses where the
table holds losses. With several objectives that is the accurate end of the front; what is between the ends is told by the
hypervolume of the front that the search names (``search.true_front``), again chosen by what was observed and judged by truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.table import TableEvaluator
from evaluators.table_units import UNITS, ResultUnit
from search.benchmark import SamplerRun
from search.candidate_cache import CandidateCache
from search.settings import SearchSettings
from search.true_front import TrueFront

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReferenceOptimum:
    """What the searches on a table are compared with.

    ``best`` is the highest true accuracy within budget, a fraction. ``exact`` says whether that is known: for a
    surrogate it is the highest of the table's rows and of all networks that were seen. ``noise`` is the standard
    deviation of a result between seeds, pooled over the networks, and ``floor`` the regret of the network whose observed
    accuracies have the highest mean: a search ends there, not at 0, where truth is another column than what is observed.
    Both are in the unit of regret; ``noise`` is None where no network has two results. ``front`` is the true front of
    several objectives.
    """

    best: float
    exact: bool
    noise: float | None
    front: TrueFront | None = None
    floor: float = 0.0
    unit: ResultUnit = UNITS["fraction"]

    def regret(self, found: Sequence[float] | Floats) -> Floats:
        """The regret of true accuracies, in points or as a difference of losses."""
        return self.unit.regret(self.best, np.asarray(found, dtype=np.float64))


def reference_optimum(
    evaluator: TableEvaluator, settings: SearchSettings, runs: Sequence[SamplerRun]
) -> ReferenceOptimum:
    """The optimum of the rows within budget; where a surrogate answers for others too, of these and of what the runs saw."""
    cache = CandidateCache(evaluator.space, settings.budgets, evaluator)
    truths, observed, points = [], [], []
    objective = settings.objective
    for decisions in evaluator.assignments():
        candidate = cache.decode(decisions)
        if candidate is None or not cache.within(candidate):
            continue
        truths.append(evaluator.truth(decisions))
        observed.append(evaluator.expected(decisions))
        if objective.minimised:
            points.append(objective.values(truths[-1], candidate.costs))
    exact, unit = evaluator.surrogate is None, evaluator.settings.scale
    noise = _noise(unit.shown(evaluator.accuracies))
    best = max(truths, default=0.0) if exact else max([*truths, *(max(run.best) for run in runs)])
    floor = float(unit.regret(best, np.array(truths[int(np.argmax(observed))]))) if exact and truths else 0.0
    optimum = ReferenceOptimum(best, exact, noise, floor=floor, unit=unit)
    if not objective.minimised:
        return optimum
    if not exact:
        points += [point for run in runs for point in run.front(len(run.fronts))]
    return replace(optimum, front=TrueFront.of(points, objective.directions))


def _noise(values: Floats) -> float | None:
    """The standard deviation between columns pooled over rows; None where no row has two values."""
    counts = (~np.isnan(values)).sum(axis=1)
    several = values[counts > 1]
    if not len(several):
        return None
    squares = np.nansum((several - np.nanmean(several, axis=1, keepdims=True)) ** 2)
    return float(np.sqrt(squares / (counts[counts > 1] - 1).sum()))


def regrets(runs: Sequence[SamplerRun], optimum: ReferenceOptimum) -> dict[str, Floats]:
    """Regret by sampler, of shape (runs, evaluations that all of them came to)."""
    found = {}
    for name in dict.fromkeys(run.sampler for run in runs):
        own = [run.best for run in runs if run.sampler == name]
        length = min(map(len, own))
        found[name] = optimum.regret(np.array([best[:length] for best in own]))
    return found


def summary(
    runs: Sequence[SamplerRun],
    optimum: ReferenceOptimum,
    evaluations: Sequence[int],
) -> list[dict[str, Any]]:
    """One row for each sampler and number of evaluations; regret in points of accuracy, or as a difference of losses.

    With several objectives, regret is that of the front's accurate end, and there is the share of the hypervolume too.

    A run that ended earlier counts with its last evaluation. ``evaluations_to_noise`` is the median number of
    evaluations until the regret is within one seed's noise, None where fewer than half of the runs got there or the
    noise is not known. ``noise`` and ``regret_floor`` are those of the optimum.
    """
    rows = []
    for name in dict.fromkeys(run.sampler for run in runs):
        own = [run for run in runs if run.sampler == name]
        reached = median(_evaluations_to_noise(run, optimum) for run in own)
        for n in evaluations:
            found = [run.of(n).best for run in own]
            regret = optimum.regret([best[min(n, len(best)) - 1] for best in found]).tolist()
            row: dict[str, Any] = {
                "sampler": name,
                "evaluations": n,
                "regret_mean": fmean(regret),
                "regret_median": median(regret),
                "regret_sem": _standard_error(regret),
                "repeats": len(own),
                "evaluations_to_noise": int(reached) if reached != float("inf") else None,
                "noise": optimum.noise,
                "regret_floor": optimum.floor,
                "reused_mean": fmean(run.cache_hits for run in own),
                "seconds_per_suggestion": fmean(run.seconds_per_suggestion for run in own),
            }
            if optimum.front is not None:
                shares = [optimum.front.share(run.of(n).front(n)) for run in own]
                row["hypervolume_share"] = fmean(shares)
                row["hypervolume_sem"] = _standard_error(shares)
            rows.append(row)
    return rows


def _evaluations_to_noise(run: SamplerRun, optimum: ReferenceOptimum) -> float:
    if optimum.noise is None:
        return float("inf")
    within = optimum.regret(run.best) <= optimum.noise
    return int(np.argmax(within)) + 1 if within.any() else float("inf")


def _standard_error(values: Sequence[float]) -> float | None:
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
