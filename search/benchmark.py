"""Searches on a table, repeated with many seeds for every sampler; ``search.regret`` judges them.

Each search is the loop itself, in memory. Cache hits count as evaluations.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evaluators.pools.inline import InlinePool
from evaluators.table import TableEvaluator
from results.networks import Networks, leader
from results.pareto import front
from results.trial_result import Status
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.prior.network_scores import NetworkScores, ScoreSettings
from search.samplers.protocol import Informed
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.space_statistics import check_budgets
from search.trial_store import MemoryTrialStore
from space.errors import RunError

BASELINE = "random"


@dataclass(frozen=True)
class SamplerRun:
    """One search of ``sampler`` with ``seed``, by evaluation.

    ``best`` holds, after each evaluation, the true accuracy (a fraction) of the network within budget that leads
    (``results.networks.leader``): the search would name it as best if it ended there; 0 while there is none. With several
    objectives, ``points`` are the true values of each evaluation, and ``fronts``, after each of them, the evaluations that first
    measured the networks on the front by the means of what was observed; both are empty for accuracy alone. ``cache_hits``
    counts the evaluations that repeat a network; ``seconds_per_suggestion`` is the mean time of one turn of the loop.
    ``shorter`` are the searches of fewer evaluations, by their number, where these are no beginnings of this one.
    ``unscored`` counts the networks of which a score of the prior is missing.
    """

    sampler: str
    seed: int
    best: tuple[float, ...]
    points: tuple[tuple[float, ...], ...]
    fronts: tuple[tuple[int, ...], ...]
    cache_hits: int
    seconds_per_suggestion: float
    shorter: Mapping[int, SamplerRun] = field(default_factory=dict)
    unscored: int = 0

    def of(self, evaluations: int) -> SamplerRun:
        """The search of so many evaluations, or this one, which begins with it."""
        return self.shorter.get(evaluations, self)

    def front(self, evaluations: int) -> list[tuple[float, ...]]:
        """The true values of the networks on the front that this search names after so many evaluations, or at its end."""
        members = self.fronts[min(evaluations, len(self.fronts)) - 1] if self.fronts else ()
        return [self.points[member] for member in members]


def run_sampler(
    evaluator: TableEvaluator, settings: SearchSettings, prior: ScoreSettings | None = None
) -> SamplerRun:
    """One search in memory, each suggestion made from all results before it; samplers that use scores use ``prior``."""
    settings = replace(settings, window=1)
    cache = CandidateCache(evaluator.space, settings.budgets, evaluator)
    store = MemoryTrialStore()
    feasible_fallback = check_budgets(cache, settings.seed)
    sampler = make_sampler(evaluator.space, settings)
    scores = NetworkScores(prior, cache) if prior is not None and isinstance(sampler, Informed) else None
    if scores is not None:
        sampler = make_sampler(evaluator.space, settings, scores=scores)
    begun = time.perf_counter()
    Loop(
        settings,
        cache,
        sampler,
        InlinePool(evaluator),
        store,
        feasible_fallback=feasible_fallback,
    ).run()
    seconds = time.perf_counter() - begun
    results = store.results()
    networks, best, points, fronts = Networks(settings.objective.merit), [], [], []
    for result in results:
        true = result.truth
        assert true is not None  # tables know the truth of every network that they answer for
        networks.add(result)
        at = leader(networks)
        best.append(0.0 if at is None else networks.first[at].truth or 0.0)
        if settings.objective.minimised:
            points.append(settings.objective.values(true, result.costs))
            fronts.append(_front(networks, settings.objective.directions))
    hits = sum(result.status is Status.REUSED for result in results)
    return SamplerRun(
        settings.sampler,
        settings.seed,
        tuple(best),
        tuple(points),
        tuple(fronts),
        hits,
        seconds / max(1, len(results)),
        unscored=0 if scores is None else scores.failed,
    )


def _front(networks: Networks, directions: Sequence[str]) -> tuple[int, ...]:
    """The trials that first measured the networks on the front of mean accuracies and costs."""
    if not len(networks):
        return ()
    means, _, _ = networks.arrays()
    costs = np.array([(trial.values or ())[1:] for trial in networks.first])
    members = np.flatnonzero(front(np.column_stack([means, costs]), directions))
    return tuple(networks.first[at].number for at in members)


_shared: dict[str, Any] = {}


def _start(evaluator: TableEvaluator, prior: ScoreSettings | None) -> None:
    _shared["evaluator"], _shared["prior"] = evaluator, prior


_Task = tuple[SearchSettings, Sequence[int]]
"""The settings of the longest search, and the lengths of the shorter ones."""


def _work(task: _Task) -> SamplerRun:
    return _run(_shared["evaluator"], _shared["prior"], task)


def _run(evaluator: TableEvaluator, prior: ScoreSettings | None, task: _Task) -> SamplerRun:
    settings, lengths = task
    shorter = {n: run_sampler(evaluator, replace(settings, trials=n), prior) for n in lengths}
    return replace(run_sampler(evaluator, settings, prior), shorter=shorter)


def run_samplers(
    evaluator: TableEvaluator,
    settings: SearchSettings,
    samplers: Sequence[str],
    evaluations: int | Sequence[int],
    repeats: int,
    jobs: int = 1,
    report: Callable[[int, int], None] = lambda done, total: None,
    prior: ScoreSettings | None = None,
) -> list[SamplerRun]:
    """Every sampler with seeds ``settings.seed`` + 0 … repeats − 1; BASELINE is always among them.

    ``evaluations`` is the length of the searches. There may be several: a search that measures networks again plans for
    its length, so each length is then a search of its own, and otherwise the beginning of the longest. ``jobs``
    processes work side by side; the searches are the same whatever their number. ``report`` is called with (samplers and
    seeds done, in all). Raises RunError where one of the processes dies.
    """
    lengths = [evaluations] if isinstance(evaluations, int) else sorted(set(evaluations))
    if settings.repeats == 0 or evaluator.surrogate is not None or evaluator.accuracies.shape[1] == 1:
        lengths = lengths[-1:]
    names = list(dict.fromkeys([*samplers, BASELINE]))
    tasks: list[_Task] = [
        (replace(settings, sampler=name, trials=lengths[-1], seed=settings.seed + i), lengths[:-1])
        for name in names
        for i in range(repeats)
    ]
    found = []
    for run in _runs(evaluator, prior, tasks, jobs):
        found.append(run)
        report(len(found), len(tasks))
    return found


def _runs(
    evaluator: TableEvaluator, prior: ScoreSettings | None, tasks: list[_Task], jobs: int
) -> Iterator[SamplerRun]:
    if jobs <= 1:
        yield from (_run(evaluator, prior, task) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    processes = min(jobs, len(tasks))
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(evaluator, prior)) as pool:
        try:
            yield from pool.map(_work, tasks)
        except BrokenProcessPool:
            raise RunError(
                f"jobs: wanted {processes} processes that run to their end, got one that died (killed, crashed, or out "
                "of memory, of which fewer --jobs need less)"
            ) from None
