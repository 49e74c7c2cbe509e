"""Seconds from the decision to stop a trial until its slot runs the next one.

    python -m bench.cancellation [--repeats 15] [--resolution 8 32]

Trials are real trainings on the digits, in the pool of a thread and in that of one Ray worker. Each is cancelled at a
random moment of its training, and the next candidate is submitted at once. The time ends when that candidate's
evaluation begins, on its worker. Beside it stands the time of one training step: an evaluator looks at its flag before
each, and before each batch of the validation.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evaluators.data import load
from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import Pool, PoolSettings
from evaluators.recipe import Recipe
from evaluators.training import TrainEvaluator
from space.architecture import Architecture, Stage
from space.blocks import Bottleneck, Conv, Dense, GlobalPool, Inception, MBConv

POOLS = {"thread": 0, "ray": 1}


@dataclass(frozen=True)
class Watched(Evaluator):
    """Trains, and says when it began (``time.monotonic``, which all processes of a machine share)."""

    inner: TrainEvaluator

    def describe(self) -> dict[str, Any]:
        """That of the training."""
        return self.inner.describe()

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """A measurement at once, with the time, then those of the training."""
        yield Measurement(0, 0.0, None, 0.0, {"began": time.monotonic()})
        yield from self.inner.evaluate(candidate, stop)


def network(resolution: int) -> Architecture:
    """Stages of three block types, for the digits at ``resolution`` pixels."""
    stages = (
        Stage((MBConv(24, stride=1, expansion=3), MBConv(24, kernel=5, expansion=3))),
        Stage((Bottleneck(48, 24, stride=2), Bottleneck(48, 24))),
        Stage((Conv(64, 3, 2), Inception(16, 16, 24, 8, 12, 12))),
    )
    return Architecture((Conv(16),), stages, (GlobalPool(), Dense()), resolution, 10, 1)


def _began(pool: Pool, number: int) -> float:
    """Waits until a trial has begun; when that was."""
    while True:
        for event in pool.poll(60.0):
            if event.failure is not None:
                raise SystemExit(event.failure.reason)
            if event.number == number and event.measurement and "began" in event.measurement.extra:
                return float(event.measurement.extra["began"])


def cancellations(pool: Pool, architecture: Architecture, repeats: int) -> dict[str, float]:
    """Median and slowest of ``repeats`` cancellations, in milliseconds."""
    rng = random.Random(0)
    seconds = []
    pool.submit(Candidate(0, {}, architecture.key, architecture, 0))
    _began(pool, 0)
    for number in range(repeats):
        time.sleep(0.3 + rng.random() * 0.3)
        decided = time.monotonic()
        pool.cancel(number)
        pool.submit(Candidate(number + 1, {}, architecture.key, architecture, number + 1))
        seconds.append(_began(pool, number + 1) - decided)
    return {
        "median_ms": round(1000 * statistics.median(seconds), 1),
        "slowest_ms": round(1000 * max(seconds), 1),
    }


def step_milliseconds(evaluator: TrainEvaluator, architecture: Architecture) -> float:
    """Milliseconds of one training step, in this process."""
    one = evaluator.with_recipe(epochs=1)
    (measured,) = one.measure(Candidate(0, {}, architecture.key, architecture, 0))
    return round(1000 * one.recipe.batch_size / measured.extra["images_per_second"], 1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--repeats", type=int, default=15, help="cancellations of each pool")
    options.add_argument("--resolution", type=int, nargs="+", default=[8, 32], help="pixels of the trainings")
    arguments = options.parse_args()
    images = load("digits")
    report: dict[str, Any] = {}
    for resolution in arguments.resolution:
        architecture = network(resolution)
        evaluator = TrainEvaluator(images, Recipe(epochs=10**6, device="cpu"))
        told: dict[str, Any] = {"training_step_ms": step_milliseconds(evaluator, architecture)}
        for name, workers in POOLS.items():
            with open_pool(Watched(evaluator), PoolSettings(workers=workers)) as pool:
                told[name] = cancellations(pool, architecture, arguments.repeats)
        report[f"{resolution} px"] = told
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
