"""Proxies side by side on the same networks: the pool's panel measures each pair, the scores come back as a table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from evaluators.evaluator import Candidate
from evaluators.workers import Pool
from space.architecture import Architecture
from space.errors import RunError


class Score(NamedTuple):
    """What a proxy says of one network under one seed; NaN with the reason where it failed."""

    key: str
    proxy: str
    repeat: int
    score: float
    seconds: float
    error: str = ""


@dataclass
class Scores:
    """Scores of one proxy: ``runs[repeat][network]``, NaN where it failed, with the seconds of each."""

    name: str
    runs: list[list[float]]
    seconds: list[list[float]]
    errors: list[str] = field(default_factory=list)

    @property
    def median_seconds(self) -> float:
        """The median cost of one network."""
        known = [s for run in self.seconds for s in run if math.isfinite(s)]
        return statistics.median(known) if known else math.nan


def _unknown(repeats: int, count: int) -> list[list[float]]:
    return [[math.nan] * count for _ in range(repeats)]


def measure(
    pool: Pool,
    names: Sequence[str],
    architectures: Sequence[Architecture],
    *,
    repeats: int = 1,
    seed: int = 0,
    known: Mapping[tuple[str, str, int], Score] | None = None,
    shares: Mapping[str, float] | None = None,
    keep: Callable[[Score], None] = lambda score: None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Scores]:
    """The scores of a pool's ``Panel`` of proxies ``names`` on ``architectures``, ``repeats`` seeds each.

    ``known`` are scores by (key, proxy, repeat) that need not be measured. ``shares`` are seconds by proxy that
    every network is charged with beside its own: its share of a training that serves all of them. Every new
    score goes to ``keep`` as soon as it is there, and then ``report(done, total)`` is called.
    Raises RunError if no worker gave any score.
    """
    count = len(architectures)
    found = [Scores(name, _unknown(repeats, count), _unknown(repeats, count)) for name in names]

    def place(number: int) -> tuple[int, int, int]:
        rest, proxy = divmod(number, len(names))
        repeat, index = divmod(rest, count)
        return repeat, index, proxy

    def enter(number: int, score: Score) -> None:
        repeat, index, proxy = place(number)
        found[proxy].runs[repeat][index] = score.score
        found[proxy].seconds[repeat][index] = score.seconds
        if score.error:
            found[proxy].errors.append(score.error)

    waiting = []
    for number in range(repeats * count * len(names)):
        repeat, index, proxy = place(number)
        there = (known or {}).get((architectures[index].key, names[proxy], repeat))
        if there is None:
            waiting.append(number)
        else:
            enter(number, there)
    # Costly networks first: the last ones to run are then short, and no worker waits long at the end.
    macs = [_cost(architecture) for architecture in architectures]
    waiting.sort(key=lambda n: (-place(n)[0], macs[place(n)[1]]))
    done, total = 0, len(waiting)
    broken: list[str] = []
    while done < total:
        while waiting and pool.free:
            number = waiting.pop()
            repeat, index, _ = place(number)
            pool.submit(Candidate(number, {}, architectures[index].key, architectures[index], seed + repeat))
        for event in pool.poll(1.0):
            repeat, index, proxy = place(event.number)
            score = None
            if event.measurement is not None:
                extra = event.measurement.extra
                score = Score(
                    architectures[index].key,
                    names[proxy],
                    repeat,
                    float(extra["score"]),
                    event.measurement.seconds + (shares or {}).get(names[proxy], 0.0),
                    str(extra.get("error", "")),
                )
            elif event.failure is not None:
                broken.append(event.failure.reason)
                reason = f"{event.failure.kind}: {event.failure.reason}"
                score = Score(architectures[index].key, names[proxy], repeat, math.nan, math.nan, reason)
            if score is not None:
                enter(event.number, score)
                keep(score)
            if event.failure is not None or event.done:
                done += 1
                report(done, total)
    if broken and len(broken) == total:
        raise RunError(f"no network could be measured: {broken[0]}")
    return found


def blend(name: str, parts: Sequence[Scores]) -> Scores:
    """Several proxies as one: a network's score is the mean of its ranks, its cost the sum of their seconds.

    Scores of different kinds have no common unit, so ranks are averaged (as Abdelfattah et al. 2021 let
    proxies vote). A short training, for one, underrates large networks, which MACs overrate. A network on which a part
    failed is ranked last by that part.
    """
    if len(parts) == 1:
        return parts[0]
    runs = [
        np.mean([rankdata(np.nan_to_num(run, nan=-np.inf)) for run in runs], axis=0).tolist()
        for runs in zip(*(part.runs for part in parts), strict=True)
    ]
    seconds = [
        np.sum(costs, axis=0).tolist() for costs in zip(*(part.seconds for part in parts), strict=True)
    ]
    return Scores(name, runs, seconds, [error for part in parts for error in part.errors])


def _cost(architecture: Architecture) -> int:
    from space.cost import costs

    return costs(architecture).macs


def rows(found: Sequence[Scores], truth: Sequence[float], **settings: Any) -> list[dict[str, Any]]:
    """One row a proxy (``evaluators.fidelity.report``), the best ranking first."""
    from evaluators.fidelity import report

    table = [report(s.name, s.runs, s.median_seconds, truth, **settings) for s in found]
    return sorted(table, key=lambda row: -row["spearman"] if math.isfinite(row["spearman"]) else math.inf)
