"""Contenders at equal real MACs, and searches over them through the loop, with a made-up accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.pools.inline import InlinePool
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.scaling.candidates import (
    Contender,
    SeededKeys,
    contender_space,
    grid_contenders,
    law_start,
)
from search.scaling.coefficient_search import GridOrder, LawGuided, law_of, measured, pooled_deviation, rank
from search.scaling.coefficients import paper_grid
from search.settings import Budgets, SearchSettings
from search.trial_store import MemoryTrialStore
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, MBConv
from space.cost import costs
from space.family import multipliers

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
        self.noise, self.trained = noise, []  # type: ignore[var-annotated]

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        assert candidate.architecture is not None
        d, w, r = multipliers(BASE, candidate.architecture)
        error = 20 + 6 * d**-6 + 6 * w**-3 + 6 * r**-3
        luck = np.random.default_rng(candidate.stream).normal(0, self.noise)
        self.trained.append(candidate.key)
        yield Measurement(1, 1 - (error + luck) / 100, None, 0.0)

    def describe(self) -> dict[str, Any]:
        return {}


@pytest.fixture(scope="module")
def grid() -> list[Contender]:
    return grid_contenders(BASE, paper_grid(), 2.0)


def search(contenders: list[Contender], proposes: Any, trials: int, noise: float = 0.0) -> tuple[Any, MadeUp]:
    space = contender_space(contenders, SEEDS)
    evaluator = MadeUp(noise)
    store = MemoryTrialStore()
    settings = SearchSettings(sampler="scaling", trials=trials)
    cache = CandidateCache(space, Budgets(), key=SeededKeys.of(contenders).key)
    Loop(settings, cache, proposes, InlinePool(evaluator), store).run()
    return store.results(), evaluator


def test_contenders_have_equal_real_macs(grid: list[Contender]) -> None:
    assert len(grid) == 4 + 111
    assert [c.kind for c in grid[:4]] == ["base", "depth", "width", "resolution"]
    for contender in grid[1:]:
        assert costs(contender.architecture).macs == contender.macs
        assert contender.macs == pytest.approx(2 * grid[0].macs, rel=0.02), contender.label
    assert multipliers(BASE, grid[1].architecture)[1:] == (1.0, 1.0)
    assert multipliers(BASE, grid[3].architecture)[:2] == (1.0, 1.0)


def test_the_grid_trains_every_network_once_with_each_seed(grid: list[Contender]) -> None:
    proposes = GridOrder([c.label for c in grid], SEEDS)
    rows, evaluator = search(grid, proposes, len(grid) * len(SEEDS))
    networks = {c.architecture.key for c in grid}
    assert len(rows) == len(grid) * len(SEEDS)
    assert len(evaluator.trained) == len(set(evaluator.trained)) == len(networks) * len(SEEDS)
    ranking = rank(measured(rows), grid)
    assert len(ranking.rows) == len(networks)
    assert ranking.deviation == 0
    assert ranking.rows[0]["kind"] == "compound"
    assert ranking.lead is not None and ranking.lead[0] > 0


def test_the_ranking_names_who_ties(grid: list[Contender]) -> None:
    proposes = GridOrder([c.label for c in grid], SEEDS)
    rows, _ = search(grid, proposes, len(grid) * len(SEEDS), noise=1.0)
    ranking = rank(measured(rows), grid)
    assert ranking.deviation == pytest.approx(0.01, rel=0.5)
    racing = [row for row in ranking.rows if row["kind"] != "base"]
    assert racing[0]["tied"] and sum(row["tied"] for row in racing) > 1
    assert sum(row["best_share"] for row in racing) == pytest.approx(1)
    for row in ranking.rows:
        assert row["low"] < row["accuracy"] < row["high"]


def test_the_law_needs_a_fraction_of_the_trainings(grid: list[Contender]) -> None:
    first = law_start(BASE, 2.0)
    contenders = first + [
        c for c in grid[4:] if c.architecture.key not in {f.architecture.key for f in first}
    ]
    contenders = list({c.architecture.key: c for c in reversed(contenders)}.values())[::-1]
    proposes = LawGuided(contenders, [c.label for c in first], SEEDS, most=10, resamples=30)
    rows, evaluator = search(contenders, proposes, 10 * len(SEEDS), noise=0.1)
    assert len(evaluator.trained) <= 10 * len(SEEDS)
    assert len({row.decisions["contender"] for row in rows}) >= len(first)
    law = law_of(measured(rows), contenders, 2.0, resamples=0)
    alpha, beta, gamma = law.coefficients
    # The made-up law wants depth, whose error falls fastest, to get the largest share of the budget's logarithm.
    assert alpha is not None and beta is not None and gamma is not None
    assert alpha > 1.1 and beta > 1.02 and gamma > 1.02
    again = LawGuided(contenders, [c.label for c in first], SEEDS, most=10, resamples=30)
    repeated, _ = search(contenders, again, 10 * len(SEEDS), noise=0.1)
    assert [r.decisions for r in repeated] == [r.decisions for r in rows]


def test_a_narrow_interval_ends_the_law() -> None:
    first = law_start(BASE, 2.0)
    proposes = LawGuided(first, [c.label for c in first], SEEDS, most=99, narrow=1.1, resamples=10)
    rows, _ = search(first, proposes, 99)
    assert len(rows) == len(first) * len(SEEDS)
    assert proposes.stopped


def test_noise_is_pooled_within_contenders() -> None:
    assert pooled_deviation([("a", 0.5), ("b", 0.9)]) == 0
    assert pooled_deviation([("a", 0.5), ("a", 0.7), ("b", 0.9), ("b", 0.9)]) == pytest.approx(0.1)
