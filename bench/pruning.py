"""What pruning spares and what it loses, replayed many times on real learning curves.

    python -m bench.pruning [--curves curves.jsonl] [--networks 40] [--seeds 1,2] [--epochs 9] [--trials 18,40]

Random networks of the space ``mixed`` are trained on the digits, each with two seeds and without pruning; --curves
keeps the accuracies, so that a second run only replays. A replay draws --trials curves of one seed in random
order and lets each rule judge them as a search with one worker would. Reported are the share of all epochs that was
trained, how often that is at most half, and by how much the best accuracy of a completed training fell short of the
best without pruning, in images of the validation split. "luck" is the plain alternative: as many whole trainings,
of networks chosen at random, as the same epochs pay for. "noise" is the standard deviation of one network's
accuracy between seeds.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators.data import load
from evaluators.evaluator import Candidate
from evaluators.training import TrainEvaluator
from evaluators.workers import open_pool
from search.pruning import rule
from space.spaces import space

Curve = list[float]
RULES = ("median", "halving", "hyperband")


@dataclass
class Curves:
    """Accuracies by epoch of the networks of one seed: two runs of each, and how many images they are of."""

    runs: list[list[Curve]]
    images: int


def trained(seed: int, networks: int, epochs: int, path: Path | None) -> Curves:
    """The curves of ``networks`` random networks; those that ``path`` holds are not trained again."""
    images = load("digits", seed=seed)
    mixed = space("mixed", resolution=images.resolution, in_channels=1, classes=len(images.classes))
    rng = random.Random(seed)
    drawn = [mixed.decode(mixed.sample(rng)) for _ in range(networks)]
    known: dict[tuple[int, int], Curve] = {}
    if path is not None and path.exists():
        for row in map(json.loads, path.read_text().splitlines()):
            if (row["seed"], row["epochs"]) == (seed, epochs):
                known[row["network"], row["run"]] = row["accuracy"]
    waiting = [(n, run) for n in range(networks) for run in (0, 1) if (n, run) not in known]
    growing: dict[int, Curve] = {}
    evaluator = TrainEvaluator(images, epochs=epochs, batch_size=32)
    with open_pool(evaluator, workers=2) as pool:
        while waiting or pool.free < pool.slots:
            while waiting and pool.free:
                n, run = waiting.pop()
                growing[2 * n + run] = []
                pool.submit(Candidate(2 * n + run, {}, drawn[n].key, drawn[n], seed + 1000 * run))
            for event in pool.poll(1.0):
                n, run = divmod(event.number, 2)
                if event.measurement is not None:
                    growing[event.number].append(event.measurement.accuracy)
                elif event.done:
                    known[n, run] = growing.pop(event.number)
                    if path is not None:
                        row = {
                            "seed": seed,
                            "epochs": epochs,
                            "network": n,
                            "run": run,
                            "accuracy": known[n, run],
                        }
                        with path.open("a") as file:
                            file.write(json.dumps(row) + "\n")
    return Curves([[known[n, run] for n in range(networks)] for run in (0, 1)], len(images.validation))


def replay(name: str, curves: Sequence[Curve], warmup: float) -> tuple[int, float]:
    """(epochs trained, best accuracy of a completed training) where ``name`` judges one training after the other."""
    judge = rule(name, len(curves[0]), warmup=warmup)
    assert judge is not None
    spent, best = 0, 0.0
    for number, curve in enumerate(curves):
        judge.begin(number, number)
        stopped = False
        for epoch, accuracy in enumerate(curve, start=1):
            judge.report(number, epoch, accuracy)
            spent += 1
            stopped = bool(judge.stops())
            if stopped:
                break
        judge.end(number, list(enumerate(curve[:epoch], start=1)), not stopped)
        if not stopped:
            best = max(best, curve[-1])
    return spent, best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curves", type=Path)
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--trials", default="18,40")
    parser.add_argument("--replays", type=int, default=1000)
    asked = parser.parse_args()
    warmup = TrainEvaluator.warmup
    sets = [trained(int(s), asked.networks, asked.epochs, asked.curves) for s in asked.seeds.split(",")]
    differences = [(a[-1] - b[-1]) * found.images for found in sets for a, b in zip(*found.runs, strict=True)]
    noise = statistics.stdev(differences) / 2**0.5
    print(f"{len(sets)} × {asked.networks} networks, {asked.epochs} epochs, noise {noise:.2f} images")
    print(f"{'rule':10} {'trials':>6} {'epochs':>7} {'at most half':>13} {'images lost':>12} {'by luck':>8}")
    for name in RULES:
        for count in map(int, asked.trials.split(",")):
            rng = random.Random(0)
            shares, lost, luck = [], [], []
            for number in range(asked.replays):
                found = sets[number % len(sets)]
                curves = rng.sample(found.runs[rng.randrange(2)], count)
                spent, best = replay(name, curves, warmup)
                whole = max(curve[-1] for curve in curves)
                shares.append(spent / (count * asked.epochs))
                lost.append((whole - best) * found.images)
                paid = max(1, round(spent / asked.epochs))
                luck.append((whole - max(curve[-1] for curve in curves[:paid])) * found.images)
            half = sum(share <= 0.5 for share in shares) / len(shares)
            print(
                f"{name:10} {count:6} {statistics.mean(shares):7.1%} {half:13.1%} "
                f"{statistics.mean(lost):12.2f} {statistics.mean(luck):8.2f}"
            )


if __name__ == "__main__":
    main()
