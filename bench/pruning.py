"""How many epochs pruning saves and what it loses, replayed many times on real learning curves.

    python -m bench.pruning [--curves curves.jsonl] [--networks 40] [--runs 2] [--seeds 1,2] [--trials 12,18,40]
        [--data digits] [--space mixed] [--recipe epochs=9,batch_size=32]

Random networks of a space are trained --runs times with different seeds and without pruning. --curves keeps the
accuracies, so that a second run only replays them. A replay draws --trials curves of one seed in random
order, and each rule judges them as a search with one worker would. Reported are the share of all epochs that was
trained, how often that is at most half, and by how much the best accuracy of a completed training is below the
best without pruning, in images of the validation split. "by luck" is the simple alternative: as many whole trainings,
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
from evaluators.evaluator import Candidate, FidelitySchedule
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings
from evaluators.proxies import evaluator
from search.pruning.registry import make_rule, pruners
from space.spaces import space

Curve = list[float]


@dataclass
class Curves:
    """Accuracies by epoch, ``runs[run][network]``, of the networks of one seed; ``images`` is the size of the validation split."""

    runs: list[list[Curve]]
    images: int


def trained(seed: int, asked: argparse.Namespace) -> Curves:
    """The curves of random networks; those in the file ``--curves`` are not trained again."""
    images = load(asked.data, seed=seed)
    drawn_from = space(
        asked.space, resolution=images.resolution, in_channels=images.channels, classes=len(images.classes)
    )
    rng = random.Random(seed)
    networks = [drawn_from.decode(drawn_from.sample(rng)) for _ in range(asked.networks)]
    about = {"data": asked.data, "space": asked.space, "recipe": asked.recipe, "seed": seed}
    known: dict[tuple[int, int], Curve] = {}
    if asked.curves is not None and asked.curves.exists():
        for row in map(json.loads, asked.curves.read_text().splitlines()):
            if all(row[name] == value for name, value in about.items()):
                known[row["network"], row["run"]] = row["accuracy"]
    wanted = [(n, run) for n in range(asked.networks) for run in range(asked.runs)]
    waiting = [one for one in wanted if one not in known]
    growing: dict[int, Curve] = {}
    with open_pool(evaluator(f"train:{asked.recipe}", images), PoolSettings(workers=2)) as pool:
        while waiting or pool.free < pool.slots:
            while waiting and pool.free:
                n, run = waiting.pop()
                number = n * asked.runs + run
                growing[number] = []
                pool.submit(Candidate(number, {}, networks[n].key, networks[n], seed + 1000 * run))
            for event in pool.poll(1.0):
                n, run = divmod(event.number, asked.runs)
                if event.measurement is not None:
                    growing[event.number].append(event.measurement.accuracy)
                elif event.failure is not None:
                    raise SystemExit(f"network {n}: {event.failure.reason}")
                elif event.done:
                    known[n, run] = growing.pop(event.number)
                    if asked.curves is not None:
                        with asked.curves.open("a") as file:
                            row = {**about, "network": n, "run": run, "accuracy": known[n, run]}
                            file.write(json.dumps(row) + "\n")
    return Curves(
        [[known[n, run] for n in range(asked.networks)] for run in range(asked.runs)], len(images.validation)
    )


def replay(name: str, curves: Sequence[Curve]) -> tuple[int, float]:
    """(epochs trained, best accuracy of a completed training) where ``name`` judges one training after the other."""
    judge = make_rule(name, FidelitySchedule(len(curves[0])))
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
    parser.add_argument("--data", default="digits")
    parser.add_argument("--space", default="mixed")
    parser.add_argument("--recipe", default="epochs=9,batch_size=32")
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--curves", type=Path)
    parser.add_argument("--trials", default="12,18,40")
    parser.add_argument("--replays", type=int, default=1000)
    asked = parser.parse_args()
    sets = [trained(int(seed), asked) for seed in asked.seeds.split(",")]
    images, epochs = sets[0].images, len(sets[0].runs[0][0])
    print(f"{len(sets)} × {asked.networks} networks, {epochs} epochs, accuracies of {images} images")
    if asked.runs > 1:
        pairs = [pair for found in sets for pair in zip(*found.runs[:2], strict=True)]
        noise = statistics.stdev((a[-1] - b[-1]) * images for a, b in pairs) / 2**0.5
        print(f"noise: {noise:.2f} images")
    print(f"{'rule':10} {'trials':>6} {'epochs':>7} {'at most half':>13} {'images lost':>12} {'by luck':>8}")
    for name in [name for name in pruners() if name != "none"]:
        for count in map(int, asked.trials.split(",")):
            rng = random.Random(0)
            shares, lost, luck = [], [], []
            for number in range(asked.replays):
                found = sets[number % len(sets)]
                curves = rng.sample(found.runs[rng.randrange(asked.runs)], count)
                spent, best = replay(name, curves)
                whole = max(curve[-1] for curve in curves)
                shares.append(spent / (count * epochs))
                lost.append((whole - best) * images)
                paid = max(1, round(spent / epochs))
                luck.append((whole - max(curve[-1] for curve in curves[:paid])) * images)
            half = sum(share <= 0.5 for share in shares) / len(shares)
            print(
                f"{name:10} {count:6} {statistics.mean(shares):7.1%} {half:13.1%} "
                f"{statistics.mean(lost):12.2f} {statistics.mean(luck):8.2f}"
            )


if __name__ == "__main__":
    main()
