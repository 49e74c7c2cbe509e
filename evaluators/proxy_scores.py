"""The scores that several proxies give to the same networks, measured through a pool."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from evaluators.evaluator import Candidate
from evaluators.pools.protocol import Event, Pool
from space.architecture import Architecture
from space.cost import costs
from space.errors import RunError


class ProxyScore(NamedTuple):
    """What a proxy says of one network under one seed; NaN with the reason where it failed."""

    key: str
    proxy: str
    repeat: int
    score: float
    seconds: float
    error: str = ""


@dataclass
class ProxyRuns:
    """The scores of one proxy, ``runs[repeat][network]``, NaN where it failed; ``seconds`` likewise."""

    name: str
    runs: list[list[float]]
    seconds: list[list[float]]
    errors: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, name: str, repeats: int, count: int) -> ProxyRuns:
        """Nothing measured yet."""
        runs, seconds = ([[math.nan] * count for _ in range(repeats)] for _ in range(2))
        return cls(name, runs, seconds)

    def enter(self, index: int, score: ProxyScore) -> None:
        """Takes the score of the network at ``index``."""
        self.runs[score.repeat][index] = score.score
        self.seconds[score.repeat][index] = score.seconds
        if score.error:
            self.errors.append(score.error)

    @property
    def median_seconds(self) -> float:
        """The median cost of one network."""
        known = [s for run in self.seconds for s in run if math.isfinite(s)]
        return statistics.median(known) if known else math.nan


@dataclass(frozen=True)
class _Plan:
    """Candidates by number, so that a ``ProxySet`` finds the proxy: repeat, network and proxy, the last fastest."""

    proxies: Sequence[str]
    networks: Sequence[Architecture]
    repeats: int
    seed: int

    def __len__(self) -> int:
        return self.repeats * len(self.networks) * len(self.proxies)

    def place(self, number: int) -> tuple[int, int, int]:
        """(repeat, index of the network, index of the proxy)."""
        rest, proxy = divmod(number, len(self.proxies))
        repeat, index = divmod(rest, len(self.networks))
        return repeat, index, proxy

    def identity(self, number: int) -> tuple[str, str, int]:
        """(key, proxy, repeat)."""
        repeat, index, proxy = self.place(number)
        return self.networks[index].key, self.proxies[proxy], repeat

    def candidate(self, number: int) -> Candidate:
        repeat, index, _ = self.place(number)
        network = self.networks[index]
        return Candidate(number, {}, network.key, network, self.seed + repeat)

    def score(self, event: Event, shares: Mapping[str, float]) -> ProxyScore | None:
        """The score that an event brings; None for one that only says that a candidate is done."""
        key, proxy, repeat = self.identity(event.number)
        if event.measurement is not None:
            extra = event.measurement.extra
            seconds = event.measurement.seconds + shares.get(proxy, 0.0)
            return ProxyScore(key, proxy, repeat, float(extra["score"]), seconds, str(extra.get("error", "")))
        if event.failure is not None:
            error = f"{event.failure.status}: {event.failure.reason}"
            return ProxyScore(key, proxy, repeat, math.nan, math.nan, error)
        return None


def measure(
    pool: Pool,
    proxies: Sequence[str],
    architectures: Sequence[Architecture],
    *,
    repeats: int = 1,
    seed: int = 0,
    known: Mapping[tuple[str, str, int], ProxyScore] | None = None,
    shares: Mapping[str, float] | None = None,
    keep: Callable[[ProxyScore], None] = lambda score: None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[ProxyRuns]:
    """The scores that a pool's ``ProxySet`` of ``proxies`` gives to ``architectures``, ``repeats`` seeds each.

    ``known`` are scores by (key, proxy, repeat) that need not be measured. ``shares`` are seconds by proxy that are
    added to those of every network: its share of a training that serves all of them. Every new score is given to
    ``keep`` as soon as it is there, and then ``report(done, total)`` is called.
    Raises RunError if no worker gave any score.
    """
    plan = _Plan(proxies, architectures, repeats, seed)
    found = [ProxyRuns.empty(name, repeats, len(architectures)) for name in proxies]

    def enter(number: int, score: ProxyScore) -> None:
        _, index, proxy = plan.place(number)
        found[proxy].enter(index, score)

    waiting = []
    for number in range(len(plan)):
        there = (known or {}).get(plan.identity(number))
        if there is None:
            waiting.append(number)
        else:
            enter(number, there)
    # They are taken from the end. Costly networks come first, so that no worker waits long for the last ones.
    macs = [costs(architecture).macs for architecture in architectures]
    waiting.sort(key=lambda n: (-plan.place(n)[0], macs[plan.place(n)[1]]))
    done, total = 0, len(waiting)
    failures: list[str] = []
    while done < total:
        while waiting and pool.free:
            pool.submit(plan.candidate(waiting.pop()))
        for event in pool.poll(1.0):
            score = plan.score(event, shares or {})
            if score is not None:
                enter(event.number, score)
                keep(score)
            if event.failure is not None:
                failures.append(event.failure.reason)
            if event.failure is not None or event.done:
                done += 1
                report(done, total)
    if failures and len(failures) == total:
        raise RunError(f"no network could be measured: {failures[0]}")
    return found


def blend(name: str, parts: Sequence[ProxyRuns]) -> ProxyRuns:
    """Several proxies as one: a network's score is the mean of its ranks, its cost the sum of their seconds.

    Scores of different kinds have no common unit, so ranks are averaged (Abdelfattah et al. 2021 let proxies vote).
    Proxies that err differently help each other: a short training, for one, underrates large networks, which MACs
    overrate. A network on which a part failed is ranked last by that part.
    """
    if len(parts) == 1:
        return parts[0]
    runs = [
        np.mean([rankdata(np.nan_to_num(run, nan=-np.inf)) for run in runs], axis=0).tolist()
        for runs in zip(*(part.runs for part in parts), strict=True)
    ]
    seconds = [
        np.sum(spent, axis=0).tolist() for spent in zip(*(part.seconds for part in parts), strict=True)
    ]
    return ProxyRuns(name, runs, seconds, [error for part in parts for error in part.errors])
