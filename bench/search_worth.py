"""What a search finds against random search in the same space, and against the stock networks alone, for equal epochs.

    python -m bench.search_worth run worth --data npz:IMAGES.npz --max-macs 1M --seed 0
    python -m bench.search_worth table worth

Each seed is a comparison of three ways to spend the same epochs of training: the search with its defaults, which begins with
stock networks; random draws without them; and the stock networks alone, all of them again and again with fresh seeds. What each
of them names as its best is then trained longer, with the same two fresh seeds, and judged on the test images, which nothing
looked at before. A row is kept in FOLDER/scores.csv as soon as it is known: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student

import nascale
from evaluators.evaluator import Candidate, StopFlag
from evaluators.trained.testing import look_at
from nascale import launch
from nascale.spec import read_spec
from results.networks import Networks, answer
from results.stock import measured_stock
from results.studies import load
from space.codec import from_dict, to_json

SEARCH, RANDOM, STOCK = "search", "random", "stock networks"
ARMS = (SEARCH, RANDOM, STOCK)
_FINAL_SEEDS = (1001, 1002)


class Row(NamedTuple):
    """The network that one way named as its best, the epochs this took, and its accuracy on the test images by seed."""

    seed: int
    arm: str
    network: str
    macs: int
    epochs: int
    accuracies: tuple[float, ...]


def named(arm: str, settings: dict[str, Any], storage: str, seed: int) -> tuple[str, str, int, int]:
    """What ``arm`` names as its best: a name, its JSON, its MACs, and the epochs that were spent."""
    if arm == STOCK:
        return _best_stock(settings, seed)
    own = {"sampler": "random", "stock": "none"} if arm == RANDOM else {}
    study = nascale.search(storage=storage, study=f"{arm}-{seed}", seed=seed, **settings, **own)
    trials = load(study.name, study.storage, architectures=True).trials
    best = answer(Networks("accuracy", trials))
    assert best is not None
    # A stock network that leads is what the search names: it says so itself.
    leading = max(measured_stock(trials), key=lambda trial: trial.accuracy or 0.0, default=None)
    chosen, name = best.trial, f"trial {best.trial.number}"
    if leading is not None and (leading.accuracy or 0.0) > best.accuracy:
        chosen, name = leading, str(leading.stock)
    assert chosen.architecture is not None
    network = from_dict(chosen.architecture)
    return name, to_json(network), int(chosen.costs["macs"]), sum(trial.epochs or 0 for trial in trials)


def _best_stock(settings: dict[str, Any], seed: int) -> tuple[str, str, int, int]:
    """The stock network with the best mean when all epochs went into stock networks."""
    prepared = launch.prepare(read_spec(None, {**settings, "storage": "memory", "seed": seed}))
    scores = dict[str, list[float]]()
    evaluator = prepared.evaluator.prepare((seed,), threads=1, report=lambda *_: None)
    each = prepared.spec.recipe.epochs
    rounds = settings["max_epochs"] // each
    for number, one in islice(enumerate(cycle(prepared.stock)), rounds):
        network = one.candidate.architecture
        assert network is not None
        fresh = seed * 1000 + number
        *_, last = evaluator.evaluate(Candidate(number, {}, network.key, network, fresh), StopFlag())
        scores.setdefault(one.name, []).append(float(last.accuracy))
    best = max(scores, key=lambda name: np.mean(scores[name]))
    chosen = next(one for one in prepared.stock if one.name == best).candidate
    assert chosen.architecture is not None
    return best, to_json(chosen.architecture), int(chosen.costs["macs"]), rounds * each


def judged(network: str, settings: dict[str, Any], epochs: int) -> Iterator[float]:
    """The accuracy on the test images after a longer training, for each of the seeds."""
    recipe = {name: settings[name] for name in ("data", "resolution") if name in settings}
    for seed in _FINAL_SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "network.json")
            path.write_text(network)
            run = nascale.train(
                str(path),
                out=Path(folder, "run"),
                seed=seed,
                split_seed=0,
                threads=1,
                epochs=epochs,
                **recipe,
            )
            yield float(look_at(run, run.images()).record()["accuracy"])


def read(path: Path) -> list[Row]:
    """The rows that are known."""
    if not path.exists():
        return []
    with open(path, newline="") as lines:
        return [
            Row(int(seed), arm, network, int(macs), int(epochs), tuple(map(float, scores)))
            for seed, arm, network, macs, epochs, *scores in csv.reader(lines)
        ]


def run(folder: Path, settings: dict[str, Any], seed: int, final_epochs: int) -> None:
    """Adds the rows of ``seed`` that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    scores = folder / "scores.csv"
    known = {(row.seed, row.arm) for row in read(scores)}
    for arm in ARMS:
        if (seed, arm) in known:
            continue
        name, network, macs, epochs = named(arm, settings, f"sqlite:///{folder.absolute()}/{seed}.db", seed)
        accuracies = list(judged(network, settings, final_epochs))
        with open(scores, "a", newline="") as lines:
            csv.writer(lines).writerow([seed, arm, name, macs, epochs, *accuracies])
        print(f"seed {seed}, {arm}: {name}, {epochs} epochs, {np.mean(accuracies):.4f}", flush=True)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table, and the paired differences of the search to the others over the seeds with 90 % intervals."""
    seeds = sorted({row.seed for row in rows})
    means = {(row.seed, row.arm): float(np.mean(row.accuracies)) for row in rows}
    yield f"| named by | epochs | {' | '.join(f'seed {seed}' for seed in seeds)} | mean |"
    yield f"|---|---|{'---|' * (len(seeds) + 1)}"
    for arm in ARMS:
        own = [row for row in rows if row.arm == arm]
        cells = [f"{100 * means[seed, arm]:.1f}" if (seed, arm) in means else "" for seed in seeds]
        spent = round(float(np.mean([row.epochs for row in own])))
        mean = 100 * float(np.mean([means[row.seed, arm] for row in own]))
        yield f"| {arm} | {spent} | {' | '.join(cells)} | {mean:.1f} |"
    for arm in ARMS[1:]:
        gains = [
            100 * (means[s, SEARCH] - means[s, arm]) for s in seeds if {(s, SEARCH), (s, arm)} <= means.keys()
        ]
        half = (
            float(student.ppf(0.95, len(gains) - 1)) * float(np.std(gains, ddof=1)) / len(gains) ** 0.5
            if len(gains) > 1
            else float("nan")
        )
        mean = float(np.mean(gains))
        yield f"search minus {arm}: {mean:+.1f} points [{mean - half:+.1f}, {mean + half:+.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("run", "table"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--max-macs", default="1M")
    parser.add_argument("--resolution", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3, help="epochs of a training of the search")
    parser.add_argument("--fraction", type=float, default=1.0, help="share of the images in such a training")
    parser.add_argument("--max-epochs", type=int, default=120, help="epochs of each way in all")
    parser.add_argument("--final-epochs", type=int, default=15, help="epochs of the training that judges")
    asked = parser.parse_args()
    if asked.what == "run":
        settings: dict[str, Any] = {
            "data": asked.data,
            "max_macs": asked.max_macs,
            "epochs": asked.epochs,
            "fraction": asked.fraction,
            "max_epochs": asked.max_epochs,
            "trials": 10_000,
            "workers": 0,
        }
        if asked.resolution is not None:
            settings["resolution"] = asked.resolution
        run(asked.folder, settings, asked.seed, asked.final_epochs)
    for line in lines(read(asked.folder / "scores.csv")):
        print(line)


if __name__ == "__main__":
    main()
