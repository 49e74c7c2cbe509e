"""Shared weights: what is shared, what a step may touch, statistics, and a training that goes on where it stopped."""

from __future__ import annotations

import math
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evaluators.data import ImageSet
from evaluators.evaluator import Candidate, Measurement, Preparable
from evaluators.latency import LatencyEvaluator, TimedEvaluator
from evaluators.network import build
from evaluators.supernet import SharedWeights, SupernetEvaluator, SupernetTraining, estimate_statistics
from evaluators.training import TrainEvaluator, accuracy_of
from evaluators.workers import open_pool
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, Drop, GlobalPool, MBConv
from space.cost import costs
from space.errors import InputError, RunError
from space.search_space import Decision, SearchSpace

CPU = torch.device("cpu")


def network(expansion: int = 2, channels: int = 8, depth: int = 1, drop: float = 0.2) -> Architecture:
    blocks = tuple(MBConv(channels, stride=2 if i == 0 else 1, expansion=expansion) for i in range(depth))
    head = (GlobalPool(), *((Drop(drop),) if drop else ()), Dense())
    return Architecture((Conv(8),), (Stage(blocks),), head, 8, 10, 1)


def values(shared: SharedWeights) -> dict[str, np.ndarray[Any, Any]]:
    return {name: p.detach().numpy().copy() for p, name in shared.names.items()}


SPACE = SearchSpace(
    "tiny",
    (Decision("expansion", (1, 2, 3)), Decision("channels", (8, 12)), Decision("depth", (1, 2))),
    lambda d: network(int(d["expansion"]), int(d["channels"]), int(d["depth"])),
)
WITHOUT_DROPOUT = SearchSpace(
    "dry",
    SPACE.decisions,
    lambda d: network(int(d["expansion"]), int(d["channels"]), int(d["depth"]), drop=0.0),
)


@pytest.fixture(scope="module")
def recipe(digits: ImageSet) -> TrainEvaluator:
    return TrainEvaluator(digits, epochs=3, fraction=0.2, batch_size=32, device="cpu")


def supernet(recipe: TrainEvaluator, **settings: Any) -> SupernetEvaluator:
    return SupernetEvaluator(recipe, SPACE, statistics_images=128, **settings)


def candidate(architecture: Architecture, seed: int = 0) -> Candidate:
    return Candidate(0, {}, architecture.key, architecture, seed)


def the_one(measurements: Any) -> Measurement:
    (measurement,) = measurements
    assert isinstance(measurement, Measurement)
    return measurement


def test_the_same_operation_at_the_same_place_is_shared_and_no_other() -> None:
    shared = SharedWeights(0, CPU)
    one = dict(shared.network(network(depth=2)).named_parameters())
    deeper = dict(shared.network(network(depth=1)).named_parameters())
    wider = dict(shared.network(network(expansion=3, depth=2)).named_parameters())
    assert all(one[name] is p for name, p in deeper.items())
    assert {name for name in one if one[name] is wider[name]} == {
        name for name in one if one[name].shape == wider[name].shape and "depthwise" not in name
    }
    assert one["stem.0.conv.weight"] is wider["stem.0.conv.weight"]
    assert one["stages.0.0.expand.conv.weight"] is not wider["stages.0.0.expand.conv.weight"]


def test_narrower_operations_use_the_first_channels_of_the_widest(recipe: TrainEvaluator) -> None:
    """The slow way: a network of its own with copies of those slices computes the same."""
    evaluator = SupernetEvaluator(recipe, WITHOUT_DROPOUT, statistics_images=128)
    shared = evaluator.shared(0, CPU, None)
    wide = dict(shared.network(network(3, 12, 2, drop=0.0)).named_parameters())
    architecture = network(2, 8, 2, drop=0.0)
    ours = shared.network(architecture)
    assert all(wide[name] is p for name, p in ours.named_parameters())

    reference = build(architecture, seed=1)
    with torch.no_grad():
        for name, p in reference.named_parameters():
            p.copy_(wide[name][tuple(slice(n) for n in p.shape)])
    x = torch.randn(6, 1, 8, 8)
    torch.testing.assert_close(ours.train()(x), reference.train()(x))
    ours(x).square().sum().backward()
    reference(x).square().sum().backward()
    for name, p in reference.named_parameters():
        gradient, inside = wide[name].grad, tuple(slice(n) for n in p.shape)
        assert gradient is not None and p.grad is not None
        torch.testing.assert_close(gradient[inside], p.grad)
        rest = gradient.clone()
        rest[inside] = 0
        assert not rest.any()


def test_without_elasticity_only_equal_operations_share(recipe: TrainEvaluator) -> None:
    exact, elastic = supernet(recipe, elastic=False), supernet(recipe)
    assert not exact.sizes and exact.describe() != elastic.describe()
    counts = []
    for evaluator in (exact, elastic):
        shared = evaluator.shared(0, CPU, None)
        for decisions in SPACE.enumerate():
            net = shared.network(SPACE.decode(decisions))
            assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
        counts.append(len(shared.names))
    assert counts[0] > 2 * counts[1]


def test_initial_weights_depend_on_seed_and_place_not_on_who_came_first() -> None:
    forth, back, other = SharedWeights(0, CPU), SharedWeights(0, CPU), SharedWeights(1, CPU)
    networks = [SPACE.decode(d) for d in SPACE.enumerate()]
    for shared, order in ((forth, networks), (back, networks[::-1]), (other, networks)):
        for one in order:
            shared.network(one)
    ours, theirs, others = values(forth), values(back), values(other)
    assert ours.keys() == theirs.keys() == others.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    drawn = [name for name, w in ours.items() if w.ndim > 1]
    assert drawn and not any(np.array_equal(ours[name], others[name]) for name in drawn)


def test_a_step_changes_the_drawn_network_and_nothing_else(recipe: TrainEvaluator) -> None:
    training = SupernetTraining(supernet(recipe, elastic=False), 0)
    shared = training._shared
    drawn, other = shared.network(network(2)), shared.network(network(3))
    before = values(shared)
    training._turn_to(drawn)
    for parameter in (*drawn.parameters(), *other.parameters()):
        parameter.grad = torch.ones_like(parameter)
    training._optimizer.step()
    after = values(shared)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {shared.names[p] for p in drawn.parameters()}
    # What was needed but never trained is not handed on as trained.
    assert training.weights().keys() == training.state()["weights"].keys() == changed < before.keys()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_training_that_was_stopped_ends_with_the_same_weights(
    recipe: TrainEvaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    evaluator = supernet(recipe.replace(optimizer=optimizer, crop=1, flip=True))
    whole = evaluator.prepare((0,), folder=tmp_path / "whole")
    seen: list[int] = []

    def stop(epoch: int, epochs: int, loss: float, seconds: float) -> None:
        seen.append(epoch)
        assert epochs == 3 and math.isfinite(loss) and seconds > 0
        if epoch == 2 and seen == [1, 2]:
            raise KeyboardInterrupt

    monkeypatch.setattr("evaluators.supernet._SAVING_SHARE", math.inf)  # after every epoch
    with pytest.raises(KeyboardInterrupt):
        evaluator.prepare((0,), folder=tmp_path / "parts", report=stop)
    parts = evaluator.prepare((0,), folder=tmp_path / "parts", report=stop)
    assert seen == [1, 2, 3]
    assert parts.weights[0].keys() == whole.weights[0].keys()
    for name, weights in whole.weights[0].items():
        assert np.array_equal(weights, parts.weights[0][name]), name

    again = evaluator.prepare((0,), folder=tmp_path / "parts", report=stop)
    assert seen == [1, 2, 3] and again.shared_seconds == parts.shared_seconds
    assert all(np.array_equal(w, again.weights[0][n]) for n, w in whole.weights[0].items())


def test_a_kept_training_is_of_its_seed_recipe_space_and_limits(
    recipe: TrainEvaluator, tmp_path: Path
) -> None:
    one = recipe.replace(epochs=1)
    other_space = SearchSpace("tiny", SPACE.decisions[:2], lambda d: network(int(d["expansion"])))
    supernet(one).prepare((0, 1), folder=tmp_path)
    supernet(one.replace(learning_rate=0.01)).prepare((0,), folder=tmp_path)
    supernet(one, limits={"params": 2000}).prepare((0,), folder=tmp_path)
    SupernetEvaluator(one, other_space, statistics_images=128).prepare((0,), folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 5
    supernet(one.replace(score="loss")).prepare(
        (0,), folder=tmp_path
    )  # the same weights, looked at otherwise
    assert len(list(tmp_path.iterdir())) == 5


def test_a_damaged_file_is_trained_anew(recipe: TrainEvaluator, tmp_path: Path) -> None:
    evaluator = supernet(recipe.replace(epochs=1))
    evaluator.prepare((0,), folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    seen: list[int] = []
    evaluator.prepare((0,), folder=tmp_path, report=lambda epoch, *_: seen.append(epoch))
    assert seen == [1]


def test_statistics_are_those_of_torch_in_training_mode(recipe: TrainEvaluator) -> None:
    """The slow way: a network of its own, norms with a cumulative average, batches in training mode."""
    architecture = network(3, 12, 2)
    shared = SharedWeights(0, CPU, zero_last_norm=False)
    ours = shared.network(architecture).eval()
    norms = [m for m in ours.modules() if isinstance(m, nn.BatchNorm2d)]
    images = recipe.split("train", 8, CPU)
    estimate_statistics(ours, norms, images, 100)

    reference = build(architecture, seed=0)
    values = {name: p.data for name, p in ours.named_parameters()}
    reference.load_state_dict(values, strict=False)
    theirs = [m for m in reference.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in theirs:
        norm.momentum = None
    reference.train()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:100]
    with torch.no_grad():
        reference(images.batch(order)[0])
    for mine, norm in zip(norms, theirs, strict=True):
        assert mine.running_mean is not None and norm.running_mean is not None
        torch.testing.assert_close(mine.running_mean, norm.running_mean)
        assert mine.running_var is not None and norm.running_var is not None
        torch.testing.assert_close(mine.running_var, norm.running_var)
    validation = recipe.split("validation", 8, CPU)
    assert accuracy_of(ours, validation, CPU) == pytest.approx(
        accuracy_of(reference, validation, CPU), rel=1e-4
    )


def test_statistics_of_several_batches_are_their_mean_and_nothing_is_dropped(recipe: TrainEvaluator) -> None:
    net = SharedWeights(0, CPU).network(network(drop=0.9)).eval()
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    images = recipe.replace(fraction=1.0).split("train", 8, CPU)
    estimate_statistics(net, norms, images, 600)  # two batches of 300
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:600]
    with torch.no_grad():
        first = net.get_submodule("stem.0.conv")(images.batch(order)[0])
    means = torch.stack([part.mean((0, 2, 3)) for part in first.tensor_split(2)])
    assert norms[0].running_mean is not None
    torch.testing.assert_close(norms[0].running_mean, means.mean(0))


def test_a_supernet_learns_and_its_candidates_inherit(recipe: TrainEvaluator, tmp_path: Path) -> None:
    evaluator = supernet(recipe.replace(epochs=25, fraction=1.0)).prepare((0, 1), folder=tmp_path)
    best = SPACE.decode({"expansion": 3, "channels": 12, "depth": 2})
    found = the_one(evaluator.evaluate(candidate(best)))
    assert found.accuracy > 0.7 and found.extra["epochs"] == 0 and found.extra["untrained"] == 0
    assert found.extra["score"] == found.accuracy
    assert the_one(evaluator.evaluate(candidate(best, seed=1))).accuracy != found.accuracy
    stranger = the_one(evaluator.evaluate(candidate(network(3, 12, 3))))
    assert 0 < stranger.extra["untrained"] < 0.5
    with pytest.raises(RunError, match=r"supernet: \d\d% of the network's weights were never trained"):
        next(iter(evaluator.evaluate(candidate(network(5, 16)))))

    loss = SupernetEvaluator(evaluator.recipe.replace(score="loss"), SPACE, statistics_images=128)
    by_loss = the_one(loss.prepare((0,), folder=tmp_path).evaluate(candidate(best)))
    assert by_loss.extra["score"] == -by_loss.loss and by_loss.accuracy == found.accuracy


def test_figures_are_the_same_in_whatever_order_and_process(recipe: TrainEvaluator, tmp_path: Path) -> None:
    evaluator = supernet(recipe).prepare((0,), folder=tmp_path)
    networks = [SPACE.decode(d) for d in SPACE.enumerate()]

    def figures(order: list[Architecture], one: SupernetEvaluator) -> dict[str, tuple[float, float | None]]:
        found = {a.key: the_one(one.evaluate(candidate(a))) for a in order}
        return {key: (m.accuracy, m.loss) for key, m in found.items()}

    first = figures(networks, evaluator)
    copy = pickle.loads(pickle.dumps(evaluator))
    assert copy.space is None
    assert figures(networks[::-1], copy) == first == figures(networks, evaluator)


def test_ray_workers_find_what_this_process_finds(
    recipe: TrainEvaluator, tmp_path: Path, ray_session: None
) -> None:
    evaluator = supernet(recipe).prepare((0,), folder=tmp_path)
    networks = [SPACE.decode(d) for d in SPACE.enumerate()][:6]
    found = []
    for workers in (0, 2):
        figures: dict[int, tuple[float, float | None]] = {}
        waiting = list(enumerate(networks))
        with open_pool(evaluator, workers=workers, cpus_per_trial=0.5) as pool:
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


def test_only_networks_within_the_limits_are_trained(recipe: TrainEvaluator) -> None:
    sizes = [costs(SPACE.decode(d)).params for d in SPACE.enumerate()]
    bound = sorted(sizes)[len(sizes) // 2]
    rng = random.Random(0)
    drawn = [supernet(recipe, limits={"params": bound}).draw(rng) for _ in range(60)]
    assert max(costs(a).params for a in drawn) <= bound < max(sizes)
    assert len({a.key for a in drawn}) > 3
    impossible = supernet(recipe, limits={"params": 1}).draw(rng)
    assert costs(impossible).params == min(sizes)


def test_through_the_pool_with_a_latency(recipe: TrainEvaluator, tmp_path: Path) -> None:
    evaluator = TimedEvaluator(supernet(recipe), LatencyEvaluator(repeats=3))
    assert isinstance(evaluator, Preparable)
    ready = TimedEvaluator(
        evaluator.inner.prepare((0,), folder=tmp_path),  # type: ignore[union-attr]
        evaluator.settings,
    )
    with open_pool(ready, workers=0) as pool:
        pool.submit(candidate(network()))
        events = []
        while pool.free < pool.slots:
            events += pool.poll(30)
    (measured,) = (e.measurement for e in events if e.measurement)
    assert measured.extra["latency_seconds"] > 0 and measured.accuracy > 0
    assert ready.shared_seconds > 0 == TimedEvaluator(recipe, LatencyEvaluator()).shared_seconds


def test_what_cannot_be_is_refused(recipe: TrainEvaluator) -> None:
    with pytest.raises(InputError, match="score: wanted accuracy or loss"):
        SupernetEvaluator(recipe.replace(score="train_loss"), SPACE)
    with pytest.raises(InputError, match="compile: wanted off"):
        SupernetEvaluator(recipe.replace(compile=True), SPACE)
    with pytest.raises(InputError, match="statistics_images: wanted 32"):
        SupernetEvaluator(recipe, SPACE, statistics_images=8)
    with pytest.raises(InputError, match="a space with networks"):
        SupernetEvaluator(recipe, SearchSpace("bare", SPACE.decisions))
    with pytest.raises(RunError, match="no weights of seed 0"):
        next(iter(supernet(recipe).evaluate(candidate(network()))))


def test_a_folder_that_cannot_be_written_is_named(recipe: TrainEvaluator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="NASCALE_CACHE"):
        supernet(recipe.replace(epochs=1)).prepare((0,), folder=tmp_path / "file" / "below")
