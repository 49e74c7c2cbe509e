"""Whether verification tells the truth: searches on a table whose truth is known, repeated and verified.

    python -m bench.verification [SPEC.toml] [--repeats 200] [--trials 40] [--top 5] [--seeds 3]
        [--samplers controller,random] [--noise 0.2]

Each repeat is a search with a seed of its own, whose best networks are measured again with fresh seeds as ``nascale verify``
does. A measurement on the table of SPEC.toml is one of its columns of accuracies, drawn at random, and the truth is the
mean of the columns, so that each column is as likely for the search as for a fresh seed. Below it stands the same table
with its columns replaced: a measurement is the truth plus normal noise of --noise points. Without SPEC.toml a made-up table
(bench.made_tables) is taken, with normal noise only.

"covered" is how often an interval held the truth: that of the network chosen after verification, all of them, and that of
the luck of the search's best network. Biases are estimate − truth in points, ± one standard error. "naive" is the search's
own accuracy of its best network, "best mean" the highest plain mean over the fresh seeds, "corrected" the estimate of the
network that verification chooses, "luck" that of the search's best network. "share" is corrected ÷ naive.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from bench import made_tables
from evaluators.evaluator import Candidate, Measurement, StopFlag
from evaluators.pools.inline import InlinePool
from evaluators.table import TableEvaluator
from evaluators.table_file import open_table
from evaluators.table_settings import read_settings
from results.verification import LEVEL, verify
from results.verified import FreshMeasurement
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.trial_store import MemoryTrialStore
from search.verification import contenders, fresh_seeds, measure


@dataclass(frozen=True, eq=False)
class NoisyTable(TableEvaluator):
    """Answers with the truth plus normal noise of ``noise`` (a fraction), drawn with the candidate's stream."""

    noise: float = 0.0

    @classmethod
    def of(cls, table: TableEvaluator, noise: float) -> NoisyTable:
        """The truths of ``table`` with other noise."""
        return cls(**{item.name: getattr(table, item.name) for item in fields(table)}, noise=noise)

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """One measurement."""
        truth = self.truth(candidate.decisions)
        drawn = np.random.default_rng(candidate.stream).normal(truth, self.noise)
        yield Measurement(1, float(drawn), None, 0.0, {"truth": truth})


@dataclass(frozen=True)
class Repeat:
    """What one repeat found, in points; ``covered`` are the network chosen, the share of all, and the luck."""

    covered: tuple[float, float, float]
    naive: float
    best_mean: float
    corrected: float
    luck: float
    width: float


def repeat(table: TableEvaluator, settings: SearchSettings, top: int, count: int) -> Repeat:
    """One search in memory, verified."""
    store = MemoryTrialStore()
    cache = CandidateCache(table.space, settings.budgets, table)
    Loop(settings, cache, make_sampler(table.space, settings), InlinePool(table), store).run()
    networks = contenders(store.results(), settings.objective, top)
    wanted = [
        (one, FreshMeasurement(key=one.key, seed=seed, fidelity="table"))
        for seed in fresh_seeds(settings.seed, count)
        for one in networks
    ]
    fresh: dict[str, list[float]] = {one.key: [] for one in networks}

    def keep(measurement: FreshMeasurement) -> None:
        assert measurement.accuracy is not None, measurement.error
        fresh[measurement.key].append(measurement.accuracy)

    measure(InlinePool(table), wanted, merit="accuracy", twice=False, keep=keep, lost=keep)
    truth = np.array([table.truth(dict(one.decisions)) for one in networks])
    found = verify([fresh[one.key] for one in networks], [one.score for one in networks])
    inside = (found.lows <= truth) & (truth <= found.highs)
    chosen, lucky = found.best, int(np.argmax(found.means))
    naive = networks[0].accuracy - truth[0]
    luck = found.luck(0, networks[0].accuracy)
    return Repeat(
        (float(inside[chosen]), float(inside.mean()), float(luck.low <= naive <= luck.high)),
        100 * float(naive),
        100 * float(found.means[lucky] - truth[lucky]),
        100 * float(found.accuracies[chosen] - truth[chosen]),
        100 * float(luck.value - naive),
        100 * float((found.highs - found.lows)[chosen]),
    )


def line(world: str, sampler: str, repeats: list[Repeat]) -> str:
    """One row of the table."""
    covered = np.mean([one.covered for one in repeats], axis=0)
    shares = "".join(f"{share:8.1%}" for share in covered)
    biases = "".join(f"  {_told(repeats, name)}" for name in ("naive", "best_mean", "corrected", "luck"))
    naive, corrected = (
        abs(np.mean([getattr(one, name) for one in repeats])) for name in ("naive", "corrected")
    )
    width = np.mean([one.width for one in repeats])
    return f"{world:18} {sampler:11}{shares}{biases} {corrected / naive:7.2f} {width:7.2f}"


def _told(repeats: list[Repeat], name: str) -> str:
    values = np.array([getattr(one, name) for one in repeats])
    return f"{values.mean():+.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"


def main() -> None:
    """Reads the command line and prints a row for each table and sampler."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spec", nargs="?", type=Path)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samplers", default="controller,random")
    parser.add_argument("--noise", type=float, default=0.2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made_tables.write(Path(folder))
        spec = asked.spec or Path(folder) / "t1.toml"
        table = open_table(read_settings(spec))
    worlds: dict[str, TableEvaluator] = {} if asked.spec is None else {"its columns": table}
    worlds[f"noise {asked.noise:g} points"] = NoisyTable.of(table, asked.noise / 100)
    pooled = 100 * float(np.sqrt(table.accuracies.var(axis=1).mean()))
    print(
        f"{table.settings.path.name}: {len(table.rows)} rows, deviation of a column {pooled:.2f} points; {asked.repeats} "
        f"searches of {asked.trials} trials, best {asked.top}, {asked.seeds} fresh seeds, {LEVEL:.0%} intervals"
    )
    biases = "".join(f"  {name:>14}" for name in ("naive", "best mean", "corrected", "luck"))
    print(
        f"{'measurements':18} {'sampler':11}{'chosen':>8}{'all':>8}{'luck':>8}{biases} {'share':>7} {'width':>7}"
    )
    for name, world in worlds.items():
        for sampler in asked.samplers.split(","):
            repeats = [
                repeat(
                    world,
                    # Seeds that lie apart: a fresh seed of one repeat is no other repeat's own.
                    SearchSettings(sampler=sampler, trials=asked.trials, seed=1000 * number),
                    asked.top,
                    asked.seeds,
                )
                for number in range(asked.repeats)
            ]
            print(line(name, sampler, repeats), flush=True)


if __name__ == "__main__":
    main()
