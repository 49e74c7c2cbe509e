"""Trained images per second of several workers against one, as ``nascale train --workers`` trains.

    python -m bench.train_workers [--workers 2] [--turns 7] [--seconds 6] [--arch resnet18@width=0.2] [--resolution 48]

Ray Train starts the workers with one thread each, and each makes the same training twice: one that all of them take
part in, with a batch for each, and one of its own. In turns of a few seconds either all train together, or each trains
apart from the others at the same time, or the first one trains alone while the others wait without computing. What
trainings apart reach is the most that this machine's processors and memory allow: what is missing to it is the price of
training together. The first turn warms up; reported are the medians, and the medians of the turns' ratios. The workers
need a processor each that nothing else uses.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from datetime import timedelta
from functools import partial
from typing import Any

import torch
import torch.distributed as dist

from bench.throughput import images
from evaluators.full_recipe import FullRecipe
from evaluators.images.image_set import ImageSet
from evaluators.trainer.full_training import FullTraining, new_network
from evaluators.trainer.shared_training import SharedTraining
from evaluators.trainer.team import Team
from evaluators.trainer.workers import Workers, with_workers
from nascale.architectures import fitted
from space.architecture import Architecture

CLASSES = 10


class Endless(FullTraining):
    """Begins its epoch again instead of ending it: nothing is judged."""

    def advance(self) -> None:
        if self.epoch_is_trained:
            self.step = 0
        super().advance()


class EndlessShared(SharedTraining, Endless):
    """The same of a training by several workers."""


def measured(
    architecture: Architecture, data: ImageSet, batch: int, turns: int, seconds: float, config: dict[str, Any]
) -> dict[str, list[float]]:
    """Images per second of each turn: of all workers together, of all apart (the leader's times their number), and of the
    first one alone."""
    torch.set_num_threads(1)
    team = Team(torch.device("cpu"))
    quiet = dist.new_group(backend="gloo", timeout=timedelta(hours=1))
    recipe = FullRecipe(epochs=10**6, batch_size=batch, device="cpu")
    together = EndlessShared(
        new_network(architecture, 0, team.device),
        architecture.resolution,
        data,
        FullRecipe(epochs=10**6, batch_size=batch * team.size, device="cpu"),
        seed=0,
        team=team,
    )
    alone = Endless(
        new_network(architecture, 0, team.device),
        architecture.resolution,
        data,
        recipe,
        seed=0,
        device=team.device,
    )
    rates: dict[str, list[float]] = {name: [] for name in ("together", "apart", "alone")}
    for turn in range(turns + 1):
        for name in rates if turn % 2 else reversed(rates):
            dist.barrier(quiet)
            if name == "together":
                rate = _of_all(together, seconds)
            elif name == "apart":
                rate = team.size * _of(alone, seconds)
            else:
                rate = _of(alone, seconds) if team.leads else 0.0
            if turn:
                rates[name].append(rate)
    return rates


def _of_all(training: SharedTraining, seconds: float) -> float:
    if not training.team.leads:
        training.follow()
        return 0.0
    rate = _of(training, seconds)
    training.end()
    return rate


def _of(training: FullTraining, seconds: float) -> float:
    """Images per second of the steps that begin within ``seconds``."""
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        training.advance()
        steps += 1
    return steps * training.recipe.batch_size / (time.perf_counter() - began)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--turns", type=int, default=7)
    options.add_argument("--seconds", type=float, default=6.0)
    options.add_argument("--arch", default="resnet18@width=0.2")
    options.add_argument("--resolution", type=int, default=48)
    options.add_argument("--batch", type=int, default=64)
    arguments = options.parse_args()
    side = arguments.resolution
    architecture = fitted(arguments.arch, None, classes=CLASSES, channels=3, side=side, resolution=side)
    data = images(side, 128 + 8 * arguments.workers * arguments.batch)
    workers = Workers(count=arguments.workers, threads=1, gpu=False)
    workers.check()
    task = partial(measured, architecture, data, arguments.batch, arguments.turns, arguments.seconds)
    rates = with_workers(task, workers)
    ratios = {
        name: [a / b for a, b in zip(rates[name], rates["alone"], strict=True)]
        for name in ("together", "apart")
    }
    report = {
        "network": architecture.label,
        "resolution": side,
        "batch_of_each": arguments.batch,
        "workers": arguments.workers,
        "one_worker_images_per_second": round(statistics.median(rates["alone"]), 1),
        "all_workers_images_per_second": round(statistics.median(rates["together"]), 1),
        **{
            name: {
                f"{name}_over_alone": round(statistics.median(found), 3),
                "lowest_and_highest": [round(min(found), 3), round(max(found), 3)],
            }
            for name, found in ratios.items()
        },
        "load_average": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
