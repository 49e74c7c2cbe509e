"""A small network, a made-up accuracy of scaled ones, and searches over them through the loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.pools.inline import InlinePool
from results.trial_result import TrialResult
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.samplers.protocol import Sampler
from search.scaling.candidate_space import SeededKeys, candidate_space
from search.scaling.candidates import ScalingCandidate
from search.settings import Budgets, SearchSettings
from search.trial_store import MemoryTrialStore
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, MBConv
from space.scaling.realised import multipliers

SEEDS = (0, 1)


def base() -> Architecture:
    def stage(channels: int, stride: int, repeats: int) -> Stage:
        return Stage((MBConv(channels, 3, 3, stride), *(MBConv(channels, 3, 3),) * (repeats - 1)))

    stages = (stage(16, 1, 2), stage(24, 2, 3), stage(48, 2, 3))
    return Architecture(
        (Conv(16, 3, 2),), stages, (Conv(128, 1), GlobalPool(), Dense()), 48, 10, name="small"
    )


BASE = base()


class MadeUp(Evaluator):
    """Accuracy by a separable law of the real multipliers, and some noise by seed."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = noise
        self.trained: list[str] = []

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        assert candidate.architecture is not None
        d, w, r = multipliers(BASE, candidate.architecture)
        error = 20 + 6 * d**-6 + 6 * w**-3 + 6 * r**-3
        luck = np.random.default_rng(candidate.stream).normal(0, self.noise)
        self.trained.append(candidate.key)
        yield Measurement(1, 1 - (error + luck) / 100, (error + luck) / 25, 0.0)

    def describe(self) -> dict[str, Any]:
        return {}


def search(
    candidates: Sequence[ScalingCandidate], sampler: Sampler, trials: int, noise: float = 0.0
) -> tuple[list[TrialResult], MadeUp]:
    """The results of a search, and the evaluator, which knows what it trained."""
    space = candidate_space(candidates, SEEDS)
    evaluator = MadeUp(noise)
    store = MemoryTrialStore()
    settings = SearchSettings(sampler="scaling", trials=trials)
    cache = CandidateCache(space, Budgets(), key=SeededKeys.of(candidates).key)
    Loop(settings, cache, sampler, InlinePool(evaluator), store).run()
    return store.results(), evaluator
