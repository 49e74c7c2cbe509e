"""Proxies side by side: their scores of the same networks, and how far these rank them as the truth does."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluators.evaluator import Evaluator, Report
from evaluators.init_scores.scores import BASELINES
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings
from evaluators.proxies import ProxySet, parts
from evaluators.proxy_scores import ProxyRuns, ProxyScore, blend, measure
from evaluators.rank_correlation import correlation_row, spearman
from space.architecture import Architecture
from space.errors import InputError


@dataclass(frozen=True)
class ProxyComparison:
    """What is compared: networks, the proxies by name, and the truth, one accuracy for each network.

    ``parts`` are the proxies that are measured, one for each of ``evaluators``; ``proxies`` are made of them.
    If ``truth`` is None it has to be measured: then the first evaluator measures it. ``rankings`` are further
    scores that are there already, by name: one for each network, and the seconds of a network.
    """

    name: str
    architectures: tuple[Architecture, ...]
    proxies: tuple[str, ...]
    parts: tuple[str, ...]
    evaluators: tuple[Evaluator, ...]
    truth: tuple[float, ...] | None
    rankings: Mapping[str, tuple[Sequence[float], float]] = field(default_factory=dict)

    def truth_by_key(self) -> dict[str, float]:
        """The true accuracies by the networks' keys, as far as they are known beforehand."""
        keys = [network.key for network in self.architectures]
        return dict(zip(keys, self.truth, strict=True)) if self.truth is not None else {}


def compare(
    comparison: ProxyComparison,
    *,
    repeats: int = 1,
    workers: int = 0,
    seed: int = 0,
    known: Mapping[tuple[str, str, int], ProxyScore] | None = None,
    keep: Callable[[ProxyScore], None] = lambda score: None,
    report: Callable[[int, int], None] = lambda done, total: None,
    epochs_of: Callable[[str], Report] = lambda proxy: lambda epoch, epochs, loss, seconds: None,
) -> list[dict[str, Any]]:
    """One row for each proxy (``correlation_row``), the best ranking first.

    ``known`` are scores by (key, proxy, repeat) that need not be measured; new ones are given to ``keep``, and then
    ``report(done, total)`` is called. ``epochs_of(proxy)`` reports the training of a proxy that is prepared.
    Raises InputError if fewer than three networks have a truth, RunError if nothing could be measured.
    """
    known = known or {}
    evaluators, shares = _prepared(comparison, known, range(seed, seed + repeats), epochs_of)
    with open_pool(ProxySet(evaluators), PoolSettings(workers=workers)) as pool:
        measured = measure(
            pool,
            comparison.parts,
            comparison.architectures,
            repeats=repeats,
            seed=seed,
            known=known,
            shares=shares,
            keep=keep,
            report=report,
        )
    truth = comparison.truth if comparison.truth is not None else measured[0].runs[0]
    by_name = {one.name: one for one in measured}
    blends = [blend(name, [by_name[part] for part in parts(name)]) for name in comparison.proxies]
    return _rows(comparison, blends, truth, seed)


def _prepared(
    comparison: ProxyComparison,
    known: Container[tuple[str, str, int]],
    seeds: Sequence[int],
    epochs_of: Callable[[str], Report],
) -> tuple[tuple[Evaluator, ...], dict[str, float]]:
    """(evaluators that are ready, seconds of that for each network by proxy); nothing is prepared for known scores."""
    evaluators, shares = [], {}
    for name, one in zip(comparison.parts, comparison.evaluators, strict=True):
        wanted = [
            seed
            for repeat, seed in enumerate(seeds)
            if any((network.key, name, repeat) not in known for network in comparison.architectures)
        ]
        if wanted:
            one = one.prepare(wanted, threads=1, report=epochs_of(name))
            shares[name] = one.shared_seconds / len(wanted) / len(comparison.architectures)
        evaluators.append(one)
    return tuple(evaluators), shares


def _rows(
    comparison: ProxyComparison, scores: Sequence[ProxyRuns], truth: Sequence[float], seed: int
) -> list[dict[str, Any]]:
    """The rows, over the networks whose truth is finite; gains are over the better of the baselines."""
    kept = [i for i, accuracy in enumerate(truth) if math.isfinite(accuracy)]
    if len(kept) < 3:
        raise InputError.of(comparison.name, "three or more networks with a truth", len(kept))
    true = [truth[i] for i in kept]
    runs = {name: [[own[i] for i in kept]] for name, (own, _) in comparison.rankings.items()}
    runs |= {one.name: [[run[i] for i in kept] for run in one.runs] for one in scores}
    seconds = {name: cost for name, (_, cost) in comparison.rankings.items()}
    seconds |= {one.name: one.median_seconds for one in scores}
    free = {name: spearman(np.array(runs[name][0]), np.array(true)) for name in BASELINES if name in runs}
    best = max((name for name in free if math.isfinite(free[name])), key=free.__getitem__, default=None)
    table = [
        correlation_row(
            name,
            own,
            seconds[name],
            true,
            baseline=runs[best][0] if best and name not in free else None,
            seed=seed,
        )
        for name, own in runs.items()
    ]
    return sorted(table, key=lambda row: math.inf if math.isnan(row["spearman"]) else -row["spearman"])
