"""Images per second of the proxy trainer, against a hand-written loop, and of two workers against one.

    python -m bench.throughput [--resolution 32] [--repeats 25] [--device cpu] [--no-workers]

The loop is what one would write by hand for the same network, recipe and data: tensors on the device, index,
forward, backward, step. Trainer and loop take turns of one epoch, and the median of the turns' ratios is
reported. Workers: the same trials through a pool of one and of two Ray actors with one thread each, in turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from evaluators.data import load
from evaluators.device import pick_device
from evaluators.evaluator import Candidate, StopFlag
from evaluators.images.image_set import ImageSet
from evaluators.network import build
from evaluators.optimization import learning_rate_factor
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import Pool, PoolSettings
from evaluators.recipe import Recipe
from evaluators.training import TrainEvaluator, Training
from space.architecture import Architecture, Stage
from space.blocks import Bottleneck, Conv, Dense, GlobalPool, Inception, MBConv


def network(resolution: int) -> Architecture:
    """Stages of three block types."""
    stages = (
        Stage((MBConv(24, stride=1, expansion=3), MBConv(24, kernel=5, expansion=3))),
        Stage((Bottleneck(48, 24, stride=2), Bottleneck(48, 24))),
        Stage((Conv(64, 3, 2), Inception(16, 16, 24, 8, 12, 12))),
    )
    return Architecture((Conv(16),), stages, (GlobalPool(), Dense()), resolution, 10, 3)


def images(resolution: int, count: int = 384) -> ImageSet:
    """Random images; what they show does not change how long they take."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, resolution, resolution, 3), dtype=np.uint8)
    labels = np.arange(count) % 10
    train, rest = np.arange(count - 128), np.arange(count - 128, count)
    return ImageSet("random", pixels, labels, train, rest[:64], rest[64:], tuple("0123456789"), "")


class HandWritten:
    """The plain loop: SGD with Nesterov momentum, cosine, channels-last, everything on the device."""

    def __init__(self, architecture: Architecture, data: ImageSet, settings: TrainEvaluator) -> None:
        self.device = pick_device(settings.recipe.device)
        layout = torch.channels_last if settings.channels_last else torch.contiguous_format
        mean, std = (torch.tensor(v)[:, None, None] for v in data.statistics)
        x = torch.from_numpy(data.images[data.train]).permute(0, 3, 1, 2).float() / 255
        self.x = ((x - mean) / std).to(self.device).contiguous(memory_format=layout)
        self.y = torch.from_numpy(data.labels[data.train]).to(self.device)
        self.net = build(architecture, device=self.device, zero_last_norm=True).to(memory_format=layout)  # type: ignore[call-overload]
        self.optimizer = torch.optim.SGD(
            self.net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
        )
        self.batch = settings.recipe.batch_size
        self.autocast = self.device.type == "cuda"

    def epoch(self) -> None:
        """One pass over the images."""
        self.net.train()
        steps = len(self.x) // self.batch
        order = torch.randperm(len(self.x)).to(self.device)
        total = torch.zeros((), device=self.device)
        for step in range(steps):
            for group in self.optimizer.param_groups:
                group["lr"] = 0.1 * learning_rate_factor(step, steps, 0.1)
            index = order[step * self.batch : (step + 1) * self.batch]
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
                loss = F.cross_entropy(self.net(self.x[index]), self.y[index])
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            total += loss.detach()
        float(total)


def against_the_loop(resolution: int, repeats: int, device: str) -> dict[str, Any]:
    """Medians of trainer and loop, and of their ratio."""
    data, architecture = images(resolution), network(resolution)
    settings = TrainEvaluator(data, Recipe(epochs=10**6, device=device))
    target = pick_device(device)
    trainer = Training(settings, architecture, target, 0, StopFlag())
    loop = HandWritten(architecture, data, settings)
    ours, plain = [], []
    for turn in range(repeats + 1):
        pair: dict[str, float] = {}
        # Short turns in changing order, so that whatever else the machine does falls on both alike.
        for name in ("trainer", "loop") if turn % 2 else ("loop", "trainer"):
            started = time.perf_counter()
            if name == "trainer":
                trainer.train(turn + 1)
            else:
                loop.epoch()
            pair[name] = trainer.steps * settings.recipe.batch_size / (time.perf_counter() - started)
        if turn:  # the first turn warms up
            ours.append(pair["trainer"])
            plain.append(pair["loop"])
    return {
        "resolution": resolution,
        "device": str(target),
        "trainer_images_per_second": round(statistics.median(ours)),
        "loop_images_per_second": round(statistics.median(plain)),
        "trainer_over_loop": round(statistics.median(a / b for a, b in zip(ours, plain, strict=True)), 3),
    }


def workers(repeats: int) -> dict[str, Any]:
    """Trained images per second of one worker and of two, the digits being trained."""
    data = load("digits")
    architecture = network(16).replace(in_channels=1)
    evaluator = TrainEvaluator(data, Recipe(epochs=2, device="cpu"))
    rates: dict[int, list[float]] = {1: [], 2: []}
    with open_pool(evaluator, PoolSettings(workers=2)) as pool:
        _drain(pool, architecture, 2, 2)
        for _ in range(repeats):
            for count in rates:
                started = time.perf_counter()
                _drain(pool, architecture, 2 * count, count)
                rates[count].append(2 * count * 2 * len(data.train) / (time.perf_counter() - started))
    return {
        "one_worker": round(statistics.median(rates[1])),
        "two_workers": round(statistics.median(rates[2])),
        "two_over_one": round(statistics.median(b / a for a, b in zip(rates[1], rates[2], strict=True)), 2),
    }


def _drain(pool: Pool, architecture: Architecture, trials: int, at_once: int) -> None:
    """Runs ``trials`` copies of one training, ``at_once`` of them at a time."""
    started = ended = 0
    while ended < trials:
        while started < trials and started - ended < at_once:
            pool.submit(Candidate(started, {}, architecture.key, architecture, 0))
            started += 1
        for event in pool.poll(1.0):
            ended += event.done or event.failure is not None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--resolution", type=int, default=32)
    options.add_argument("--repeats", type=int, default=25)
    options.add_argument("--device", default="cpu")
    options.add_argument("--no-workers", action="store_true")
    arguments = options.parse_args()
    torch.set_num_threads(1)
    report: dict[str, Any] = against_the_loop(arguments.resolution, arguments.repeats, arguments.device)
    if not arguments.no_workers:
        report |= workers(max(3, arguments.repeats // 3))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
