"""How fast frames and fronts are, beside the libraries that could do it: ``python -m bench.fronts``.

Every row is the median of five runs in this process (``nascale front`` in a process of its own), on points
drawn uniformly from a seeded generator. Peers that are not installed are left out and named.

    100,000 trials in memory         frame + front                        wanted: under 2 s
    1,000,000 points × 3             results.pareto.front ÷ moocore       wanted: at most 1.2
    100,000 points × 3               pymoo and Optuna beside them
    SQLite study of 10,000 trials    ``nascale front`` from process start  wanted: under 4 s
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import optuna

from bench import advice
from results import frame, pareto, studies
from results.front import front_of
from tests import factories

_REPEATS = 5
_DIRECTIONS = ["maximize", "minimize", "minimize"]


def seconds(work: Callable[[], Any], repeats: int = _REPEATS) -> float:
    """Median wall time of ``work``."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def paired(one: Callable[[], Any], other: Callable[[], Any], repeats: int = 9) -> tuple[float, float]:
    """Median wall times of two works, run by turns so that both see the same machine."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        for which in (0, 1) if turn % 2 else (1, 0):
            times[which].append(seconds((one, other)[which], 1))
    return statistics.median(times[0]), statistics.median(times[1])


def fronts() -> None:
    """A million points against moocore's own call; a tenth of them against pymoo and Optuna."""
    points = np.random.default_rng(0).random((1_000_000, 3))
    maximise = [d == "maximize" for d in _DIRECTIONS]
    ours, theirs = paired(
        lambda: pareto.front(points, _DIRECTIONS),
        lambda: moocore.is_nondominated(points, maximise=maximise, keep_weakly=True),
    )
    print(
        f"front of 1,000,000 × 3         nascale {ours:7.3f} s   moocore {theirs:7.3f} s   ratio {ours / theirs:.2f}"
    )
    few = points[:100_000]
    low = few * np.where(maximise, -1.0, 1.0)
    print(f"front of 100,000 × 3           nascale {seconds(lambda: pareto.front(few, _DIRECTIONS)):7.3f} s")
    from optuna.study._multi_objective import _is_pareto_front

    print(f"                               optuna  {seconds(lambda: _is_pareto_front(low, False), 3):7.3f} s")
    try:
        from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting
    except ImportError:
        print(f"                               pymoo is not installed: {advice()}")
        return
    sort = NonDominatedSorting()
    small = low[:10_000]
    print(
        f"front of 10,000 × 3            nascale {seconds(lambda: pareto.front(small, ['minimize'] * 3)):7.4f} s"
    )
    work = lambda: sort.do(small, only_non_dominated_front=True)  # noqa: E731
    print(f"                               pymoo   {seconds(work, 1):7.3f} s")


def frames() -> None:
    """100,000 trials in memory, made of the same 2,000 under new numbers."""
    made = studies.of_optuna(factories.study(2_000, architectures=False))
    rows = tuple(replace(made.trials[i % 2_000], number=i) for i in range(100_000))
    large = replace(made, trials=rows)
    table = frame.trials(large)
    whole = seconds(lambda: front_of(frame.trials(large)))
    alone = seconds(lambda: front_of(table))
    print(
        f"100,000 trials in memory       frame + front {whole:.3f} s (front alone {alone:.3f} s), {len(table.columns)} columns"
    )


def stored(count: int = 10_000) -> None:
    """``nascale front`` on a SQLite study, from process start, and what of it is reading."""
    with tempfile.TemporaryDirectory() as folder:
        url = factories.sqlite_study(Path(folder) / "bench.db", count)
        command = [sys.executable, "-m", "nascale", "front", "digits", "--storage", url, "--format", "json"]
        whole = seconds(lambda: subprocess.run(command, check=True, capture_output=True))
        reading = seconds(lambda: studies.load("digits", url))
        size = (Path(folder) / "bench.db").stat().st_size / 1e6
        print(
            f"SQLite study of {count:,} trials  nascale front {whole:.3f} s (reading {reading:.3f} s of it, {size:.0f} MB)"
        )
        peer = seconds(lambda: optuna.load_study(study_name="digits", storage=url).trials_dataframe(), 1)
        print(f"                               Optuna's trials_dataframe of it {peer:.3f} s")


def main() -> None:
    """Prints every row."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fronts()
    frames()
    stored()


if __name__ == "__main__":
    main()
