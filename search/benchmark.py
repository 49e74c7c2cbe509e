"""Which sampler can be trusted on a table: the same search many times over, with many seeds.

Simple regret after n evaluations is the table's best truth minus the truth of the network whose *observed*
accuracy was the best so far, in points of accuracy. Rows answered from the store count as evaluations.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev
from typing import Any

import numpy as np

from evaluators.table import TableEvaluator
from results.pareto import front, hypervolume
from search.catalogue import Catalogue
from search.inline import InlinePool
from search.loop import Loop
from search.persistence import MemoryLedger
from search.samplers import searcher
from search.settings import SearchSettings
from search.survey import check_budgets

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
class Yardstick:
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


def yardstick(evaluator: TableEvaluator, settings: SearchSettings, repeats: Sequence[Repeat]) -> Yardstick:
    """The yardstick of the rows within budget, and of what the repeats saw."""
    catalogue = Catalogue(evaluator.space, settings.budgets, evaluator)
    truths, points, all_points = [], [], []
    objective = settings.objective
    for decisions in evaluator.assignments():
        network = catalogue.network(decisions)
        if network is None:
            continue
        truth = evaluator.truth(decisions)
        point = objective.values(truth, network.costs) if objective.minimised else (truth,)
        all_points.append(point)
        if catalogue.within(network):
            truths.append(truth)
            points.append(point)
    seen = [max(r.best) for r in repeats]
    exact = evaluator.surrogate is None
    noise = float(evaluator.accuracies.std(axis=1).mean())
    best = max(truths, default=0.0) if exact else max([*truths, *seen])
    if not objective.minimised:
        return Yardstick(best, exact, noise)
    array = np.array(all_points)
    reference = (float(array[:, 0].min()), *(float(v) for v in array[:, 1:].max(axis=0)))
    volume = hypervolume(np.array(points), objective.directions, reference)
    return Yardstick(best, exact, noise, volume, reference)


def one_repeat(evaluator: TableEvaluator, settings: SearchSettings) -> Repeat:
    """One search with the loop itself, in memory, each suggestion made from all results before it."""
    settings = replace(settings, window=1)
    catalogue = Catalogue(evaluator.space, settings.budgets, evaluator)
    ledger = MemoryLedger()
    anchor = check_budgets(catalogue, settings.seed)
    begun = time.perf_counter()
    Loop(
        settings, catalogue, searcher(evaluator.space, settings), InlinePool(evaluator), ledger, anchor=anchor
    ).run()
    seconds = time.perf_counter() - begun
    rows = ledger.rows()
    best, observed, truth = [], -1.0, 0.0
    points = []
    for row in rows:
        accuracy = row.result.get("accuracy")
        if accuracy is not None and row.result.get("feasible") and accuracy > observed:
            observed, truth = accuracy, row.result["truth"]
        best.append(truth)
        if settings.objective.minimised:
            points.append(settings.objective.values(row.result["truth"], row.costs))
    reused = sum(row.result.get("status") == "reused" for row in rows)
    return Repeat(
        settings.sampler, settings.seed, tuple(best), tuple(points), reused, seconds / max(1, len(rows))
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
    repeats: Sequence[Repeat], stick: Yardstick, evaluations: Sequence[int], directions: Sequence[str]
) -> list[dict[str, Any]]:
    """One row for each sampler and number of evaluations; regret in points of accuracy.

    ``evaluations_to_noise`` is the median number of evaluations until the best-observed network's truth is
    within one seed's noise of the best, None where fewer than half of the repeats got there.
    """
    rows = []
    for name in dict.fromkeys(r.sampler for r in repeats):
        own = [r for r in repeats if r.sampler == name]
        reached = median(_reached(r, stick) for r in own)
        for n in evaluations:
            regrets = [100 * (stick.best - r.best[min(n, len(r.best)) - 1]) for r in own]
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
            if stick.volume is not None:
                shares = [volume_share(r, stick, n, directions) for r in own]
                row["hypervolume_share"] = fmean(shares)
                row["hypervolume_sem"] = stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else None
            rows.append(row)
    return rows


def _reached(repeat: Repeat, stick: Yardstick) -> float:
    for index, truth in enumerate(repeat.best):
        if truth >= stick.best - stick.noise:
            return index + 1
    return float("inf")


def volume_share(repeat: Repeat, stick: Yardstick, n: int, directions: Sequence[str]) -> float:
    """Hypervolume of the true values of the first ``n`` networks, as a share of the true front's."""
    assert stick.volume and stick.reference is not None
    points = np.array(repeat.points[:n])
    return float(hypervolume(points[front(points, directions)], directions, stick.reference)) / stick.volume
