"""Proxies side by side on the same networks: the panel is measured by the pool, the scores come back as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluators.evaluator import Candidate
from evaluators.workers import Pool
from space.architecture import Architecture
from space.errors import RunError


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
        import statistics

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
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Scores]:
    """The scores of a pool's ``Panel`` of proxies ``names`` on ``architectures``, ``repeats`` seeds each.

    ``report(done, total)`` is called after each network. Raises RunError if every network failed.
    """
    count, total = len(architectures), len(architectures) * repeats
    found = [Scores(name, _unknown(repeats, count), _unknown(repeats, count)) for name in names]
    # Costly networks first: the last ones to run are then short, and no worker waits long at the end.
    waiting = sorted(range(total), key=lambda n: (n // count, _cost(architectures[n % count])))
    done = 0
    failures: list[str] = []
    while done < total:
        while waiting and pool.free:
            number = waiting.pop()
            architecture = architectures[number % count]
            pool.submit(Candidate(number, {}, architecture.key, architecture, seed + number // count))
        for event in pool.poll(1.0):
            repeat, index = divmod(event.number, count)
            if event.measurement is not None:
                scores = found[event.measurement.epoch - 1]
                scores.runs[repeat][index] = float(event.measurement.extra["score"])
                scores.seconds[repeat][index] = event.measurement.seconds
                if "error" in event.measurement.extra:
                    scores.errors.append(str(event.measurement.extra["error"]))
            if event.failure is not None:
                failures.append(event.failure.reason)
            if event.failure is not None or event.done:
                done += 1
                report(done, total)
    if len(failures) == total:
        raise RunError(f"no network could be measured: {failures[0]}")
    return found


def _cost(architecture: Architecture) -> int:
    from space.cost import costs

    return costs(architecture).macs


def rows(found: Sequence[Scores], truth: Sequence[float], **settings: Any) -> list[dict[str, Any]]:
    """One row a proxy (``evaluators.fidelity.report``), the best ranking first."""
    from evaluators.fidelity import report

    table = [report(s.name, s.runs, s.median_seconds, truth, **settings) for s in found]
    return sorted(table, key=lambda row: -row["spearman"] if math.isfinite(row["spearman"]) else math.inf)
