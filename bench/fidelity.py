"""Which short training ranks the networks of a space as a long one does, and what it costs.

The truth is a study of long trainings, each network trained with two seeds:

    nascale search --study truth --sampler random --stock none --trials 48 --repeats 0 --epochs 20 DATA, BUDGET AND RECIPE
    python -m bench.fidelity truth --scores scores.csv --second
    python -m bench.fidelity truth --scores scores.csv
    python -m bench.fidelity truth --scores scores.csv --table

The first command here trains every network once more, with another seed; the next one lets every proxy score every network.
Each score is kept as it comes, with its processor seconds, which other work on the machine does not change: the same command goes
on where it was stopped, and two of them, ``--part 0/2`` and ``--part 1/2``, share the networks.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.stats import rankdata

from evaluators.evaluator import Candidate, Evaluator, StopFlag
from evaluators.proxies import evaluator, parts, split_list
from evaluators.rank_correlation import correlation_row, spearman
from nascale.evaluation import study_space, train_evaluator
from nascale.spaces import as_stored
from nascale.spec import SearchSpec
from results.studies import load
from results.trial_result import Status, TrialResult
from space.architecture import Architecture
from space.codec import from_dict
from space.cost import costs

SECOND = "the truth, second seed"
PROXIES = (
    "train:epochs=1,score=loss,train:epochs=2,score=loss,train:epochs=3,score=loss,train:epochs=6,score=loss,"
    "train:epochs=3,resolution=32,score=loss,train:epochs=6,resolution=32,score=loss,"
    "train:epochs=6,fraction=0.5,score=loss,naswot,zico,synflow,macs,params,supernet:epochs=60"
)
"""Every one of training gives its accuracy as well as its loss."""
BLENDS = (
    "naswot+macs",
    "naswot+params",
    "train:epochs=2,score=loss+params",
    "train:epochs=3,score=loss+params",
)
ACCURACY = " (accuracy)"
SEEDS = {SECOND: 1}
_OTHERS_SEED = 100


class Score(NamedTuple):
    """What a proxy says of one network (higher is better), and the processor seconds that it took."""

    key: str
    proxy: str
    score: float
    accuracy: float
    seconds: float


def read(path: Path) -> dict[tuple[str, str], Score]:
    """The scores of a file by (network's key, proxy); those of a missing file are none."""
    if not path.exists():
        return {}
    with open(path, newline="") as lines:
        rows = [Score(key, proxy, *map(float, rest)) for key, proxy, *rest in csv.reader(lines)]
    return {(row.key, row.proxy): row for row in rows}


def keep(path: Path, score: Score) -> None:
    """Appends a score; several processes may do so."""
    with open(path, "a", newline="") as lines:
        csv.writer(lines).writerow(score)


class Truth:
    """The networks of a study of long trainings, in the order of their trials, and what is known of each."""

    def __init__(self, name: str, storage: str | None, device: str) -> None:
        study = load(name, storage, architectures=True)
        self.spec = SearchSpec.stored(study.spec).replace(device=device)
        self.trials: list[TrialResult] = [
            trial
            for trial in study.trials
            if trial.status is Status.OK and trial.accuracy is not None and trial.repeat_of is None
        ]
        self.space = study.space
        self.networks: list[Architecture] = [from_dict(t.architecture) for t in self.trials if t.architecture]
        self.trainer = train_evaluator(self.spec, self.spec.resolution)

    def evaluator(self, name: str) -> Evaluator:
        """The evaluator of a proxy, with the settings of the study that its name does not change."""
        if name == SECOND:
            return replace(self.trainer, score="loss")
        space = as_stored(study_space(self.spec, self.trainer.images), self.space)
        recipe = {
            f: getattr(self.spec.recipe, f)
            for f in ("flip", "crop", "batch_size", "learning_rate", "optimizer")
        }
        return evaluator(name, self.trainer.images, space=space, device="cpu", threads=1, **recipe)


def _told(epoch: int, epochs: int, loss: float, seconds: float) -> None:
    """Says how far the training of a supernet is."""
    if epoch % 10 == 0:
        print(f"supernet {epoch}/{epochs} loss {loss:.3f} {seconds:.0f} s", file=sys.stderr, flush=True)


def measure(truth: Truth, names: Sequence[str], path: Path, part: tuple[int, int]) -> None:
    """Lets each proxy score each network of this ``part`` that it has not scored yet."""
    torch.set_num_threads(1)
    for name in names:
        mine = [(i, n) for i, n in enumerate(truth.networks) if i % part[1] == part[0]]
        waiting = [(i, n) for i, n in mine if (n.key, name) not in read(path)]
        if not waiting:
            continue
        seed = SEEDS.get(name, _OTHERS_SEED)
        began = time.process_time()
        one = truth.evaluator(name).prepare((seed,), threads=1, report=_told)
        shared = (time.process_time() - began) / len(truth.networks) if name.startswith("supernet") else 0.0
        for number, network in waiting:
            began = time.process_time()
            *_, last = one.evaluate(Candidate(number, {}, network.key, network, seed), StopFlag())
            score = float(last.extra.get("score", last.accuracy))
            seconds = time.process_time() - began + shared
            keep(path, Score(network.key, name, score, float(last.accuracy), seconds))
            print(f"{name} {number} {score:.4f} {seconds:.1f} s", file=sys.stderr, flush=True)


def table(truth: Truth, path: Path) -> list[dict[str, Any]]:
    """One row for each proxy that has scored every network, the best first."""
    known = read(path)
    keys = [network.key for network in truth.networks]
    scores: dict[str, tuple[list[float], float]] = {}
    for name in dict.fromkeys(proxy for _, proxy in known):
        if any((key, name) not in known for key in keys):
            continue
        rows = [known[key, name] for key in keys]
        seconds = float(np.median([row.seconds for row in rows]))
        scores[name] = ([row.score for row in rows], seconds)
        if name.startswith(("train", "supernet")):
            scores[name + ACCURACY] = ([row.accuracy for row in rows], seconds)
    first = [float(trial.accuracy or 0.0) for trial in truth.trials]
    first_loss = [-float(trial.loss or 0.0) for trial in truth.trials]
    second = [known[key, SECOND].accuracy for key in keys] if SECOND in scores else []
    _, whole = scores.pop(SECOND, ([], float("nan")))
    true = [(a + b) / 2 for a, b in zip(first, second, strict=True)] if second else first
    cost = whole * (2 if second else 1)
    free = {
        "macs": [float(costs(network).macs) for network in truth.networks],
        "params": [float(costs(network).params) for network in truth.networks],
    }
    scores |= {name: (values, 0.0) for name, values in free.items()}
    for blend in BLENDS:
        if all(part in scores for part in parts(blend)):
            ranks = [rankdata(scores[part][0]) for part in parts(blend)]
            scores[blend] = (np.mean(ranks, axis=0).tolist(), sum(scores[part][1] for part in parts(blend)))
    best = max(free, key=lambda name: spearman(np.array(free[name]), np.array(true)))
    rows = [
        correlation_row(name, [values], seconds, true, baseline=None if name in free else free[best])
        | {"share": seconds / cost}
        for name, (values, seconds) in scores.items()
    ]
    if second:
        others = {"": first, " by loss": first_loss}
        rows += [
            correlation_row(f"one seed of the truth against the other{by}", [values], whole, second)
            | {"share": 0.5}
            for by, values in others.items()
        ]
    return sorted(rows, key=lambda row: -row["spearman"])


def line(row: Mapping[str, Any]) -> str:
    """A line of a Markdown table."""
    cells = [
        row["proxy"],
        f"{row['spearman']:.2f} [{row['spearman_low']:.2f}, {row['spearman_high']:.2f}]",
        ""
        if row["gain"] is None
        else f"{row['gain']:+.2f} [{row['gain_low']:+.2f}, {row['gain_high']:+.2f}]",
        f"{row['top_overlap']:.2f}",
        f"{row['seconds']:.1f}",
        f"{row['share']:.3f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study")
    parser.add_argument("--storage")
    parser.add_argument("--scores", type=Path, default=Path("scores.csv"))
    parser.add_argument("--proxies", default=PROXIES)
    parser.add_argument("--second", action="store_true", help="train every network with another seed")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--table", action="store_true", help="print the table and measure nothing")
    asked = parser.parse_args()
    truth = Truth(asked.study, asked.storage, "cpu")
    if not asked.table:
        names = [SECOND] if asked.second else split_list(asked.proxies)
        at, of = map(int, asked.part.split("/"))
        measure(truth, names, asked.scores, (at, of))
    print(
        "| proxy | Spearman | over the better of MACs and parameters | best tenth | processor seconds | share of the truth's |"
    )
    print("|---|---|---|---|---|---|")
    for row in table(truth, asked.scores):
        print(line(row))


if __name__ == "__main__":
    main()
