"""A candidate measured by a score at initialisation."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from evaluators.device import limit_threads, pick_device
from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet
from evaluators.init_scores.score import Batch
from evaluators.init_scores.scores import BASELINES, INIT_SCORES
from evaluators.network import build
from space.architecture import Architecture
from space.cost import costs
from space.errors import InputError, UnknownNameError


@dataclass(frozen=True, eq=False)
class InitScoreEvaluator(Evaluator):
    """One score at initialisation, averaged over ``repeats`` draws of weights and batch.

    Its single measurement holds the score as ``extra["score"]``; the accuracy is NaN, for it is not measured.
    ``macs`` and ``params`` come from the cost model.
    """

    images: ImageSet = field()
    score: str = "naswot"
    batch_size: int = 64
    repeats: int = 1
    device: str = "auto"
    threads: int | None = 1
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.score not in INIT_SCORES and self.score not in BASELINES:
            raise UnknownNameError("score", self.score, [*INIT_SCORES, *BASELINES])
        if self.repeats < 1:
            raise InputError.of("repeats", "1 or more", self.repeats)
        if self.score in INIT_SCORES and not 2 <= self.batch_size <= len(self.images.train):
            wanted = f"2 to the {len(self.images.train)} training images of {self.images.name}"
            raise InputError.of("batch_size", wanted, self.batch_size)

    def describe(self) -> dict[str, Any]:
        """Score, batch, repeats and the data's checksum."""
        settings = {"score": self.score, "batch_size": self.batch_size, "repeats": self.repeats}
        return {"evaluator": "zero-cost", **settings, "data": self.images.describe()}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """One measurement. Raises Stopped between two repeats."""
        architecture = candidate.network("score")
        started = time.perf_counter()
        value = self.value(architecture, candidate.stream, stop)
        yield Measurement(1, math.nan, None, time.perf_counter() - started, {"score": value})

    def value(self, architecture: Architecture, seed: int, stop: StopFlag | None = None) -> float:
        """The score of an architecture; the same for the same seed."""
        if self.score in BASELINES:
            return float(costs(architecture).searched()[self.score])
        score = INIT_SCORES[self.score]
        device = pick_device(self.device)
        limit_threads(self.threads, device)
        images = self._images(architecture.resolution, device)
        values = []
        for repeat in range(self.repeats):
            if stop is not None:
                stop.check()
            generator = torch.Generator().manual_seed(seed + repeat)
            torch.manual_seed(seed + repeat)
            order = torch.randperm(len(images), generator=generator)
            size = min(self.batch_size, len(images) // score.batches)
            batches = [
                Batch(*images.batch(order[i * size : (i + 1) * size].to(device)))
                for i in range(score.batches)
            ]
            network = build(architecture, seed=seed + repeat, device=device)
            values.append(score.formula(network.train(), batches))
        return math.fsum(values) / len(values)

    def _images(self, resolution: int, device: torch.device) -> DeviceImages:
        key = (resolution, str(device))
        if key not in self._cache:
            # A few batches' worth of the training split is enough, and cheap to prepare.
            indices = self.images.train[:: max(1, len(self.images.train) // (16 * self.batch_size))]
            self._cache[key] = DeviceImages(self.images, indices, resolution, device)
        images: DeviceImages = self._cache[key]
        return images

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}
