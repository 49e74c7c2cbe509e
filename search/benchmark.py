"""Which sampler can be trusted on a table: the same search many times over, with many seeds.

Simple regret after n evaluations is the table's best truth minus the truth of the network whose *observed*
accuracy was the best so far, in points of accuracy. Cache hits count as evaluations.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev
from typing import Any

import numpy as np

from evaluators.pools.inline import InlinePool
from evaluators.table import TableEvaluator
from results.pareto import front, hypervolume
from results.trial_result import Status
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.space_statistics import check_budgets
from search.trial_store import MemoryTrialStore

BASELINE = "random"


@dataclass(frozen=True)
class Repeat:
    """One search: truth of the best-observed network and true points (accuracy, costs) after each evaluation.

    ``best`` has the truth by evaluation, ``points`` the objectives' true values, ``seconds`` is per suggestion.
    """

    sampler: str
    seed: int
    best: tuple[float, ...]
    points: tuple[tuple[float, ...], ...]
    repeats: int
    seconds: float


@dataclass(frozen=True)
class ReferenceOptimum:
    """What a table's searches are measured against.

    ``best`` is the highest truth within budget and ``exact`` whether that is known (for a surrogate it is the
    best of the table's rows and of all networks seen); ``noise`` the mean standard deviation between seeds;
    ``volume`` the true front's hypervolume and ``reference`` its reference point, for several objectives.
    """

    best: float
    exact: bool
    noise: float
    volume: float | None = None
    reference: tuple[float, ...] | None = None


def reference_optimum(
    evaluator: TableEvaluator, settings: SearchSettings, repeats: Sequence[Repeat]
) -> ReferenceOptimum:
    """The best of the rows within budget, and of what the repeats saw."""
    cache = CandidateCache(evaluator.space, settings.budgets, evaluator)
    truths, points, all_points = [], [], []
    objective = settings.objective
    for decisions in evaluator.assignments():
        network = cache.decode(decisions)
        if network is None:
            continue
        truth = evaluator.truth(decisions)
        point = objective.values(truth, network.costs) if objective.minimised else (truth,)
        all_points.append(point)
        if cache.within(network):
            truths.append(truth)
            points.append(point)
    seen = [max(r.best) for r in repeats]
    exact = evaluator.surrogate is None
    noise = float(evaluator.accuracies.std(axis=1).mean())
    best = max(truths, default=0.0) if exact else max([*truths, *seen])
    if not objective.minimised:
        return ReferenceOptimum(best, exact, noise)
    array = np.array(all_points)
    reference = (float(array[:, 0].min()), *(float(v) for v in array[:, 1:].max(axis=0)))
    volume = hypervolume(np.array(points), objective.directions, reference)
    return ReferenceOptimum(best, exact, noise, volume, reference)


def one_repeat(evaluator: TableEvaluator, settings: SearchSettings) -> Repeat:
    """One search with the loop itself, in memory, each suggestion made from all results before it."""
    settings = replace(settings, window=1)
    cache = CandidateCache(evaluator.space, settings.budgets, evaluator)
    store = MemoryTrialStore()
    feasible_fallback = check_budgets(cache, settings.seed)
    begun = time.perf_counter()
    Loop(
        settings,
        cache,
        make_sampler(evaluator.space, settings),
        InlinePool(evaluator),
        store,
        feasible_fallback=feasible_fallback,
    ).run()
    seconds = time.perf_counter() - begun
    results = store.results()
    best, observed, truth = [], -1.0, 0.0
    points = []
    for result in results:
        true = result.truth
        assert true is not None  # tables know the truth of every network that they answer for
        if result.accuracy is not None and result.feasible and result.accuracy > observed:
            observed, truth = result.accuracy, true
        best.append(truth)
        if settings.objective.minimised:
            points.append(settings.objective.values(true, result.costs))
    reused = sum(result.status is Status.REUSED for result in results)
    return Repeat(
        settings.sampler, settings.seed, tuple(best), tuple(points), reused, seconds / max(1, len(results))
    )


_shared: dict[str, Any] = {}


def _start(evaluator: TableEvaluator) -> None:
    _shared["evaluator"] = evaluator


def _work(settings: SearchSettings) -> Repeat:
    return one_repeat(_shared["evaluator"], settings)


def run(
    evaluator: TableEvaluator,
    settings: SearchSettings,
    samplers: Sequence[str],
    evaluations: int,
    repeats: int,
    jobs: int = 1,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Repeat]:
    """Every sampler with seeds ``settings.seed`` + 0 … repeats − 1; ``random`` is always among them.

    ``jobs`` processes work side by side; the results do not depend on how many.
    """
    names = list(dict.fromkeys([*samplers, BASELINE]))
    tasks = [
        replace(settings, sampler=name, trials=evaluations, seed=settings.seed + i)
        for name in names
        for i in range(repeats)
    ]
    found = []
    for result in _results(evaluator, tasks, jobs):
        found.append(result)
        report(len(found), len(tasks))
    return found


def _results(evaluator: TableEvaluator, tasks: list[SearchSettings], jobs: int) -> Iterator[Repeat]:
    if jobs <= 1:
        yield from (one_repeat(evaluator, task) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, initializer=_start, initargs=(evaluator,)) as pool:
        yield from pool.imap(_work, tasks)


def summary(
    repeats: Sequence[Repeat],
    optimum: ReferenceOptimum,
    evaluations: Sequence[int],
    directions: Sequence[str],
) -> list[dict[str, Any]]:
    """One row for each sampler and number of evaluations; regret in points of accuracy.

    ``evaluations_to_noise`` is the median number of evaluations until the best-observed network's truth is
    within one seed's noise of the best, None where fewer than half of the repeats got there.
    """
    rows = []
    for name in dict.fromkeys(r.sampler for r in repeats):
        own = [r for r in repeats if r.sampler == name]
        reached = median(_reached(r, optimum) for r in own)
        for n in evaluations:
            regrets = [100 * (optimum.best - r.best[min(n, len(r.best)) - 1]) for r in own]
            row: dict[str, Any] = {
                "sampler": name,
                "evaluations": n,
                "regret_mean": fmean(regrets),
                "regret_median": median(regrets),
                "regret_sem": stdev(regrets) / len(regrets) ** 0.5 if len(regrets) > 1 else None,
                "repeats": len(own),
                "evaluations_to_noise": int(reached) if reached != float("inf") else None,
                "reused_mean": fmean(r.repeats for r in own),
                "seconds_per_suggestion": fmean(r.seconds for r in own),
            }
            if optimum.volume is not None:
                shares = [volume_share(r, optimum, n, directions) for r in own]
                row["hypervolume_share"] = fmean(shares)
                row["hypervolume_sem"] = stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else None
            rows.append(row)
    return rows


def _reached(repeat: Repeat, optimum: ReferenceOptimum) -> float:
    for index, truth in enumerate(repeat.best):
        if truth >= optimum.best - optimum.noise:
            return index + 1
    return float("inf")


def volume_share(repeat: Repeat, optimum: ReferenceOptimum, n: int, directions: Sequence[str]) -> float:
    """Hypervolume of the true values of the first ``n`` networks, as a share of the true front's."""
    assert optimum.volume and optimum.reference is not None
    points = np.array(repeat.points[:n])
    return (
        float(hypervolume(points[front(points, directions)], directions, optimum.reference)) / optimum.volume
    )
