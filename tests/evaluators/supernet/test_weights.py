"""Shared weights: what is shared, and that slices compute what networks of their own compute."""

from __future__ import annotations

import math

import numpy as np
import torch

from evaluators.network import build
from evaluators.supernet.evaluator import SupernetEvaluator
from evaluators.supernet.weights import SharedWeights
from evaluators.training import TrainEvaluator
from space.architecture import Architecture, Stage
from space.blocks import Conv, ConvNeXt, Dense, GlobalPool
from space.search_space import Decision, SearchSpace
from tests.evaluators.supernet.tiny import CPU, SPACE, WITHOUT_DROPOUT, network, supernet, values


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


def test_narrower_operations_use_the_first_channels_of_the_widest(trainer: TrainEvaluator) -> None:
    """The slow way: a network of its own with copies of those slices computes the same."""
    evaluator = SupernetEvaluator(trainer, WITHOUT_DROPOUT, statistics_images=128)
    shared = evaluator.shared(0, CPU)
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


def test_without_elasticity_only_equal_operations_share(trainer: TrainEvaluator) -> None:
    exact, elastic = supernet(trainer, elastic=False), supernet(trainer)
    assert not exact.sizes and exact.describe() != elastic.describe()
    counts = []
    for evaluator in (exact, elastic):
        shared = evaluator.shared(0, CPU)
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


def test_operations_that_cannot_be_sliced_share_their_weights_with_equal_ones(
    trainer: TrainEvaluator,
) -> None:
    """Layer normalisations and layer scales: shared by networks of one width, trained and counted like the others."""

    def convnext(channels: int, depth: int) -> Architecture:
        blocks = tuple(ConvNeXt(kernel=3) for _ in range(depth))
        return Architecture((Conv(channels),), (Stage(blocks),), (GlobalPool(), Dense()), 8, 10, 1)

    convnexts = SearchSpace(
        "convnexts",
        (Decision("channels", (4, 8)), Decision("depth", (1, 2))),
        lambda d: convnext(int(d["channels"]), int(d["depth"])),
    )
    training = SupernetEvaluator(trainer, convnexts, statistics_images=128).training(0)
    one, deeper, wider = (
        dict(training.shared.network(convnext(*size)).named_parameters()) for size in ((4, 1), (4, 2), (8, 1))
    )
    scales = [name for name in one if "scale" in name or ".norm." in name]
    assert scales and all(one[name] is deeper[name] for name in one)
    assert not any(one[name] is wider[name] for name in scales if "stages" in name)
    assert math.isfinite(training.epoch(1))
    kept = {name.rpartition(".")[0] for name in training.weights()}
    assert any("LayerScale" in place for place in kept) and any("LayerNorm" in place for place in kept)
    again = training.shared.network(convnext(4, 1))
    assert {training.shared.names[p] for p in again.parameters()} <= set(training.weights())
