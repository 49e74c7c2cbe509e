"""Latency beside accuracy: timed first, on the worker, and only trained if it is fast enough."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from evaluators.images.image_set import ImageSet
from evaluators.latency import MODES, LatencyEvaluator, TimedEvaluator, latency
from evaluators.recipe import Recipe
from evaluators.training import TrainEvaluator
from nascale.cli import cli
from nascale.spec import LATENCY_MODES
from results.frame import trials
from tests.evaluators.test_training import NET, candidate, figures

HOW = LatencyEvaluator(repeats=3, device="cpu")


def test_the_training_is_the_same_and_every_epoch_carries_the_latency(digits: ImageSet) -> None:
    training = TrainEvaluator(digits, Recipe(epochs=2, device="cpu"))
    timed = TimedEvaluator(training, HOW, most_seconds=60.0)
    measured = timed.measure(candidate())
    assert figures(measured) == figures(training.measure(candidate()))
    seconds = {m.extra["latency_seconds"] for m in measured}
    assert len(seconds) == 1 and 0 < seconds.pop() < 1
    assert measured[0].seconds > measured[0].extra["latency_seconds"] * 8  # 5 to warm up, 3 repeats
    assert timed.fidelity == training.fidelity and timed.schedule == training.schedule
    assert timed.describe()["latency"]["repeats"] == 3


def test_a_network_that_is_too_slow_is_not_trained(digits: ImageSet) -> None:
    timed = TimedEvaluator(TrainEvaluator(digits, Recipe(epochs=2, device="cpu")), HOW, most_seconds=1e-9)
    (only,) = timed.measure(candidate())
    assert only.epoch == 0 and math.isnan(only.accuracy)
    assert only.extra["latency_seconds"] > 1e-9


@pytest.mark.parametrize("mode", ["eager", "exported"])
def test_modes_time_the_same_network(mode: str) -> None:
    found = latency(NET, repeats=5, mode=mode, device="cpu")
    assert found.mode == mode and found.repeats == 5 and found.threads == 1
    assert found.fastest_seconds <= found.lower_seconds <= found.median_seconds <= found.upper_seconds
    assert found.spread >= 0


def test_the_command_line_names_the_modes_there_are() -> None:
    assert LATENCY_MODES == MODES  # the spec is read without torch


def test_a_search_stores_the_latency_of_each_network_and_bounds_it(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/s.db"
    shared = ["search", "--sampler", "random", "--workers", "0", "--storage", storage, "--quiet"]
    shared += [
        "--epochs",
        "1",
        "--fraction",
        "0.2",
        "--batch-size",
        "32",
        "--trials",
        "2",
        "--max-macs",
        "300K",
    ]
    for study, options in (
        ("free", ["--objective", "accuracy,latency_seconds"]),
        ("tight", ["--max-latency", "1us"]),
    ):
        done = CliRunner().invoke(cli, [*shared, "--study", study, *options])
        assert done.exit_code == 0, done.output
    free, tight = trials("free", storage), trials("tight", storage)
    assert set(free["status"]) == {"ok"} and (free["latency_seconds"] > 0).all()
    assert (free["rank"] >= 1).all()
    assert set(tight["status"]) == {"infeasible"} and tight["accuracy"].isna().all()
    assert not tight["feasible"].any() and tight["rank"].isna().all()
    assert (tight["latency_seconds"] > 1e-6).all()
