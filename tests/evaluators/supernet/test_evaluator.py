"""Candidates with inherited weights: accuracies, failures, order, processes, and latency beside them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluators.evaluator import Candidate, Measurement
from evaluators.latency import LatencyEvaluator, TimedEvaluator
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings
from evaluators.supernet.evaluator import SupernetEvaluator
from evaluators.training import TrainEvaluator
from space.architecture import Architecture
from space.errors import InputError, RunError
from space.search_space import SearchSpace
from tests.evaluators.supernet.tiny import SPACE, candidate, network, supernet


def the_one(measurements: Any) -> Measurement:
    (measurement,) = measurements
    assert isinstance(measurement, Measurement)
    return measurement


def test_a_supernet_learns_and_its_candidates_inherit(trainer: TrainEvaluator, tmp_path: Path) -> None:
    evaluator = supernet(trainer.with_recipe(epochs=8, fraction=1.0)).prepare((0, 1), folder=tmp_path)
    best = SPACE.decode({"expansion": 3, "channels": 12, "depth": 2})
    found = the_one(evaluator.measure(candidate(best)))
    assert found.accuracy > 0.7 and found.extra["epochs"] == 0 and found.extra["untrained"] == 0
    assert found.extra["score"] == found.accuracy
    assert the_one(evaluator.measure(candidate(best, seed=1))).accuracy != found.accuracy
    stranger = the_one(evaluator.measure(candidate(network(3, 12, 3))))
    assert 0 < stranger.extra["untrained"] < 0.5
    with pytest.raises(RunError, match=r"supernet: \d\d% of the network's weights were never trained"):
        evaluator.measure(candidate(network(5, 16)))

    loss = SupernetEvaluator(replace(evaluator.trainer, score="loss"), SPACE, statistics_images=128)
    by_loss = the_one(loss.prepare((0,), folder=tmp_path).measure(candidate(best)))
    assert by_loss.extra["score"] == -by_loss.loss and by_loss.accuracy == found.accuracy


def test_figures_are_the_same_in_whatever_order_and_process(trainer: TrainEvaluator, tmp_path: Path) -> None:
    evaluator = supernet(trainer).prepare((0,), folder=tmp_path)
    networks = [SPACE.decode(d) for d in SPACE.enumerate()]

    def figures(order: list[Architecture], one: SupernetEvaluator) -> dict[str, tuple[float, float | None]]:
        found = {a.key: the_one(one.measure(candidate(a))) for a in order}
        return {key: (m.accuracy, m.loss) for key, m in found.items()}

    first = figures(networks, evaluator)
    copy = pickle.loads(pickle.dumps(evaluator))
    assert copy.space is None
    assert figures(networks[::-1], copy) == first == figures(networks, evaluator)


@pytest.mark.slow
def test_ray_workers_find_what_this_process_finds(
    trainer: TrainEvaluator, tmp_path: Path, ray_session: None
) -> None:
    evaluator = supernet(trainer).prepare((0,), folder=tmp_path)
    networks = [SPACE.decode(d) for d in SPACE.enumerate()][:6]
    found = []
    for workers in (0, 2):
        figures: dict[int, tuple[float, float | None]] = {}
        waiting = list(enumerate(networks))
        with open_pool(evaluator, PoolSettings(workers=workers, cpus_per_trial=0.5)) as pool:
            while waiting or pool.free < pool.slots:
                while waiting and pool.free:
                    number, one = waiting.pop()
                    pool.submit(Candidate(number, {}, one.key, one, 0))
                for event in pool.poll(60):
                    assert event.failure is None
                    if event.measurement:
                        figures[event.number] = (event.measurement.accuracy, event.measurement.loss)
        found.append(figures)
    assert found[0] == found[1] and len(found[0]) == len(networks)


def test_through_the_pool_with_a_latency(
    trainer: TrainEvaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path))
    evaluator = TimedEvaluator(supernet(trainer), LatencyEvaluator(repeats=3))
    ready = evaluator.prepare((0,), threads=1, report=lambda *told: None)
    with open_pool(ready, PoolSettings(workers=0)) as pool:
        pool.submit(candidate(network()))
        events = []
        while pool.free < pool.slots:
            events += pool.poll(30)
    (measured,) = (e.measurement for e in events if e.measurement)
    assert measured.extra["latency_seconds"] > 0 and measured.accuracy > 0
    assert ready.shared_seconds > 0 == TimedEvaluator(trainer, LatencyEvaluator()).shared_seconds


def test_what_cannot_be_is_refused(trainer: TrainEvaluator) -> None:
    with pytest.raises(InputError, match="score: wanted accuracy or loss"):
        SupernetEvaluator(replace(trainer, score="train_loss"), SPACE)
    with pytest.raises(InputError, match="compile: wanted off"):
        SupernetEvaluator(trainer.with_recipe(compile=True), SPACE)
    with pytest.raises(InputError, match="statistics_images: wanted 32"):
        SupernetEvaluator(trainer, SPACE, statistics_images=8)
    with pytest.raises(InputError, match="a space with networks"):
        SupernetEvaluator(trainer, SearchSpace("bare", SPACE.decisions))
    with pytest.raises(RunError, match="no weights of seed 0"):
        supernet(trainer).measure(candidate(network()))


@pytest.mark.parametrize(("loss", "doubted"), [(2.29, True), (2.08, True), (1.9, False)])
def test_weights_that_learned_no_more_than_to_guess_are_doubted(
    trainer: TrainEvaluator, loss: float, doubted: bool
) -> None:
    one = supernet(trainer)
    assert not one.doubts
    trained = replace(one, losses={0: loss})
    assert [doubt.split(":")[0] for doubt in trained.doubts] == ["the supernet learned little"] * doubted
    assert not doubted or (
        f"its loss is {loss:.2f}" in trained.doubts[0] and "guessing has 2.3" in trained.doubts[0]
    )
