"""What the loop costs apart from the sampler: trials a second against bare Optuna, at few trials and at many.

    python -m bench.loop_overhead                 # all three tables
    python -m bench.loop_overhead --trials 1000 --samplers random,tpe,nsga2

A free evaluator, ten categorical decisions of three options, one process. "Bare" is Study.ask with all
distributions and Study.tell, with the same sampler, in the same run; each figure is the median of the repeats.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import optuna

from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.pools.inline import InlinePool
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.objective import Objective
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.study import open_study, release_study
from search.trial_store import MemoryTrialStore
from space.search_space import Decision, SearchSpace

SPACE = SearchSpace("bench", tuple(Decision(f"d{i}", (1, 2, 3)) for i in range(10)))
BARE: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
    "random": lambda: optuna.samplers.RandomSampler(seed=0),
    "tpe": lambda: optuna.samplers.TPESampler(seed=0),
    "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=0, population_size=20),
}


class Free(Evaluator):
    """Answers at once."""

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """The sum of the options, as an accuracy."""
        yield Measurement(1, sum(float(v) for v in candidate.decisions.values()) / 30, None, 0.0)

    def describe(self) -> dict[str, Any]:
        """Nothing."""
        return {}


def bare(name: str, trials: int, url: str | None) -> float:
    """Seconds of plain ask and tell."""
    study = optuna.create_study(sampler=BARE[name](), direction="maximize", storage=url)
    distributions = {d.name: optuna.distributions.CategoricalDistribution(d.options) for d in SPACE.decisions}
    begun = time.perf_counter()
    for _ in range(trials):
        trial = study.ask(distributions)
        study.tell(trial, sum(trial.params.values()) / 30)
    return time.perf_counter() - begun


def ours(name: str, trials: int, url: str | None) -> float:
    """Seconds of the search loop."""
    settings = SearchSettings(sampler=name, trials=trials)
    store: Any = MemoryTrialStore()
    if url is not None:
        store = open_study(url, "s", {"trials": trials}, Objective(), SPACE, {})
    loop = Loop(
        settings,
        CandidateCache(SPACE, settings.budgets),
        make_sampler(SPACE, settings),
        InlinePool(Free()),
        store,
    )
    begun = time.perf_counter()
    loop.run()
    seconds = time.perf_counter() - begun
    if url is not None:
        release_study(store)
    return seconds


def compare(names: list[str], trials: int, repeats: int, folder: Path) -> None:
    """Prints trials a second in memory and on SQLite, and their ratios."""
    print(f"{'':8}{'':8}{'bare/s':>10}{'ours/s':>10}{'ratio':>8}   ({trials} trials, median of {repeats})")
    for name in names:
        for where in ("memory", "sqlite"):
            rates: dict[str, list[float]] = {"bare": [], "ours": []}
            for repeat in range(repeats):
                for what, function in (("bare", bare), ("ours", ours)):
                    url = f"sqlite:///{folder / f'{name}-{what}-{repeat}.db'}" if where == "sqlite" else None
                    rates[what].append(trials / function(name, trials, url))
            ratio = median(o / b for o, b in zip(rates["ours"], rates["bare"], strict=True))
            print(
                f"{name:8}{where:8}{median(rates['bare']):10.1f}{median(rates['ours']):10.1f}{ratio:8.2f}",
                flush=True,
            )


def growth(name: str, trials: int, at: list[int], span: int = 50) -> None:
    """Prints the cost of a trial around some trial numbers."""
    settings = SearchSettings(sampler=name, trials=trials)
    moments: list[float] = []
    store = MemoryTrialStore()
    kept = store.finish

    def finish(row: Any) -> None:
        kept(row)
        moments.append(time.process_time())

    store.finish = finish  # type: ignore[method-assign]
    loop = Loop(
        settings,
        CandidateCache(SPACE, settings.budgets),
        make_sampler(SPACE, settings),
        InlinePool(Free()),
        store,
    )
    loop.run()
    shown = []
    for number in at:
        steps = [
            b - a
            for a, b in zip(
                moments[number - span : number], moments[number - span + 1 : number], strict=False
            )
        ]
        shown.append(f"{number}: {1e3 * sum(steps) / len(steps):.3f} ms")
    print(f"{name}, processor time per trial around trial {', '.join(shown)}", flush=True)


def main() -> None:
    """Reads the arguments and prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samplers", default="random,nsga2,tpe")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("compare", "growth"))
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    if arguments.only != "growth":
        with tempfile.TemporaryDirectory() as folder:
            compare(arguments.samplers.split(","), arguments.trials, arguments.repeats, Path(folder))
    if arguments.only != "compare":
        growth("random", 20_000, [1_000, 5_000, 20_000], 500)
        growth("controller", 5_000, [100, 500, 1_000, 5_000])
        growth("evolution", 20_000, [1_000, 5_000, 20_000], 500)


if __name__ == "__main__":
    sys.exit(main())
