"""What other studies are worth to a search: pairs of made-up tasks of known correlation on real search spaces.

    python -m bench.transfer --pairs 20

A task is a saturating function of random effects of single options and of pairs of options. The second task of a pair is a
mixture of the first and of an independent one, so that the scores of random networks have the wanted correlation. A controller
searches the first task with 100 noisy evaluations; two others search the second, one of them from what the first found. Regret
is the highest accuracy there is minus the highest true accuracy of the networks measured, in points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from results.trial_result import Status, TrialResult
from search.controller.sampler import ControllerSampler
from search.encoding import Encoding, Floats, Ints
from search.samplers.protocol import generator
from search.transfer.experience import Experience
from space.search_space import Decisions, SearchSpace
from space.spaces import space

SPACES = ("nas-bench-macro", "nas-bench-201", "mnasnet", "mixed")
CENTRE, REACH, NOISE = 90.0, 3.0, 0.1
"""Accuracies lie within REACH points of CENTRE; standard deviation of a measurement in points."""
PAIRS_OF_OPTIONS = 0.7
"""Standard deviation of all effects of pairs of options, beside that of single ones."""
SOURCE = 100
_SAMPLE = 2000


@dataclass(frozen=True)
class Task:
    """What networks are worth: ``score`` of rows has mean 0 and variance 1 among random networks."""

    score: Callable[[Ints], Floats]

    @classmethod
    def made(cls, encoding: Encoding, sample: Ints, seed: int) -> Task:
        """A task drawn with ``seed``; ``sample`` are random networks, by which it is scaled."""
        rng = np.random.default_rng(seed)
        count = len(encoding.decisions)
        single = rng.normal(size=encoding.options) * rng.gamma(1.0, size=count).repeat(encoding.sizes)
        double = np.triu(rng.normal(size=(encoding.options, encoding.options)), 1)
        double *= rng.random(double.shape) < 4 / count
        hot = encoding.one_hot(sample)
        ones, twos = hot @ single, _pairs(hot, double)
        spread = np.sqrt(1 + PAIRS_OF_OPTIONS**2)

        def score(rows: Ints) -> Floats:
            bits = encoding.one_hot(rows)
            one = (bits @ single - ones.mean()) / ones.std()
            two = (_pairs(bits, double) - twos.mean()) / twos.std()
            return np.asarray((one + PAIRS_OF_OPTIONS * two) / spread)

        return cls(score)

    def related(self, other: Task, correlation: float) -> Task:
        """A task whose scores correlate with these; ``other`` is independent."""
        rest = np.sqrt(1 - correlation**2)
        return Task(lambda rows: correlation * self.score(rows) + rest * other.score(rows))

    def accuracy(self, rows: Ints) -> Floats:
        """In points."""
        return np.asarray(CENTRE + REACH * np.tanh(0.5 * self.score(rows)))

    def best(self, encoding: Encoding, sample: Ints) -> float:
        """The highest accuracy that climbing from the best of ``sample`` finds."""
        rng = np.random.default_rng(0)
        rows = sample[np.argsort(-self.score(sample))[:64]]
        scores = self.score(rows)
        for _ in range(600):
            tried = encoding.mutate(rows, rng.integers(1, 3, len(rows)), rng)
            found = self.score(tried)
            better = found > scores
            rows, scores = np.where(better[:, None], tried, rows), np.maximum(found, scores)
        return float(self.accuracy(rows).max())


def search(
    domain: SearchSpace, task: Task, seed: int, evaluations: int, experiences: list[Experience]
) -> tuple[list[Decisions], Floats, Floats]:
    """The networks that a controller measures, their measured accuracies and the true ones."""
    sampler = ControllerSampler(domain, seed)
    if experiences:
        sampler.inherit(experiences)
    networks: list[Decisions] = []
    known: set[tuple[object, ...]] = set()
    measured, truths = [], []
    for number in range(evaluations):
        decisions = next(d for d in sampler.propose(number) if tuple(d.items()) not in known)
        known.add(tuple(decisions.items()))
        networks.append(decisions)
        truths.append(float(task.accuracy(sampler.encoding.row(decisions)[None])[0]))
        measured.append(truths[-1] + NOISE * generator(seed, "noise", number).gauss(0, 1))
        sampler.begin(number, decisions)
        sampler.tell(
            TrialResult(number=number, status=Status.OK, decisions=decisions, values=(measured[-1] / 100,))
        )
    return networks, np.array(measured), np.array(truths)


def _pairs(hot: Floats, double: Floats) -> Floats:
    return np.einsum("ij,ij->i", hot @ double, hot)


@dataclass(frozen=True)
class Pair:
    """Regret after each evaluation on the second task of a pair, ``alone`` and ``taught``; the tasks' rank correlation."""

    correlation: float
    alone: Floats
    taught: Floats


def measure(domain: SearchSpace, correlation: float, seed: int, evaluations: int) -> Pair:
    """One pair of tasks. Searches and tasks are functions of the arguments."""
    encoding = Encoding(domain)
    rng = np.random.default_rng(seed)
    sample = encoding.complete(np.full((_SAMPLE, len(encoding.decisions)), -1), rng)
    first = Task.made(encoding, sample, 2 * seed)
    second = first.related(Task.made(encoding, sample, 2 * seed + 1), correlation)
    networks, values, _ = search(domain, first, 1000 + seed, SOURCE, [])
    experience = Experience.of("first", encoding, networks, list(values))
    best = second.best(encoding, sample)
    alone, taught = (
        best - np.maximum.accumulate(search(domain, second, seed, evaluations, experiences)[2])
        for experiences in ([], [experience])
    )
    return Pair(float(spearmanr(first.score(sample), second.score(sample))[0]), alone, taught)


def reached(regret: Floats, level: float) -> int | None:
    """The first evaluation after which the mean regret is at ``level`` or below."""
    at = np.flatnonzero(regret.mean(axis=0) <= level)
    return int(at[0]) + 1 if len(at) else None


def report(name: str, correlation: float, pairs: list[Pair], at: list[int]) -> list[str]:
    """Lines for the eye: mean regret with its standard error, and evaluations for what a search alone reaches."""
    alone, taught = (np.array([getattr(pair, way) for pair in pairs]) for way in ("alone", "taught"))
    lines = [
        f"{name}, wanted correlation {correlation:g}, rank correlation {np.mean([p.correlation for p in pairs]):.2f}"
    ]
    for way, regret in (("alone", alone), ("taught", taught), ("difference", taught - alone)):
        errors = regret.std(axis=0, ddof=1) / np.sqrt(len(regret))
        shown = (f"{regret[:, n - 1].mean():.3f} ± {errors[n - 1]:.3f}" for n in at)
        lines.append(f"  {way:10} " + "  ".join(shown))
    needed = [f"{n}: {reached(taught, alone[:, n - 1].mean()) or 'more than all'}" for n in at]
    return [*lines, f"  evaluations taught for the mean regret alone after {', '.join(needed)}"]


def main() -> None:
    """Reads the command line and prints one block for each space and correlation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spaces", default=",".join(SPACES))
    parser.add_argument("--correlations", default="0.9,0.5,0,-0.5")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--evaluations", default="5,10,20,30,50")
    asked = parser.parse_args()
    at = [int(n) for n in asked.evaluations.split(",")]
    for name in asked.spaces.split(","):
        for correlation in map(float, asked.correlations.split(",")):
            pairs = [measure(space(name), correlation, seed, max(at)) for seed in range(asked.pairs)]
            print("\n".join(report(name, correlation, pairs, at)), flush=True)


if __name__ == "__main__":
    main()
