"""The torch network against the lowered graph: parameters, operations, gradients, names."""

from __future__ import annotations

import os
import random

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from evaluators.network import build, loss_of, module, residual_norms
from space import zoo
from space.architecture import Architecture, Stage
from space.blocks import (
    Auxiliary,
    Bottleneck,
    Conv,
    ConvNeXt,
    Dense,
    Drop,
    GlobalPool,
    Inception,
    LocalResponseNorm,
    MBConv,
    Pool,
    SqueezeExcite,
)
from space.cost import costs
from space.errors import ShapeError
from space.lowering import lower
from space.spaces import space
from tests.space.test_operations import CASES, Case

COUNT = 300 if os.environ.get("NASCALE_THOROUGH") else 12


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def parameter_count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def small(**changes: object) -> Architecture:
    blocks = (MBConv(8, stride=2), MBConv(8, squeeze_excite=SqueezeExcite(), drop_path=0.5), Bottleneck(8, 4))
    return Architecture(
        (Conv(8),),
        (Stage(blocks), Stage((Inception(4, 4, 4, 4, 4, 4), LocalResponseNorm(), Pool("avg")))),
        (GlobalPool(), Drop(0.2), Dense()),
        16,
        10,
        1,
    ).replace(**changes)


def test_random_networks_match_the_cost_model_and_run_both_ways() -> None:
    rng = random.Random(0)
    mixed = space("mixed", resolution=16, in_channels=3, classes=10)
    block_types: set[str] = set()
    for _ in range(COUNT):
        architecture = mixed.decode(mixed.sample(rng))
        block_types |= {type(block).__name__ for block in architecture.blocks}
        network = build(architecture)
        expected = costs(architecture)
        assert parameter_count(network) == expected.params
        x = torch.randn(2, 3, 16, 16)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            logits = network.eval()(x[:1])
        assert counter.get_total_flops() == 2 * expected.macs
        assert logits.shape == (1, 10)
        loss_of(network.train()(x), torch.tensor([0, 1])).backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert block_types >= {"MBConv", "Bottleneck", "Inception"}


def test_parameters_are_named_by_their_node_s_path() -> None:
    architecture = small()
    names = set(build(architecture).state_dict())
    for node in lower(architecture).nodes:
        if type(node.op).__name__ in ("Conv2d", "Linear", "BatchNorm"):
            assert f"{node.path}.weight" in names


def test_the_same_seed_gives_the_same_weights_whatever_the_global_generator_says() -> None:
    torch.manual_seed(1)
    first = build(small(), seed=5).state_dict()
    torch.manual_seed(2)
    second = build(small(), seed=5).state_dict()
    other = build(small(), seed=6).state_dict()
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert not torch.equal(first["stem.0.conv.weight"], other["stem.0.conv.weight"])


def test_convolutions_keep_the_variance_of_rectified_inputs() -> None:
    weight = build(small(), seed=0).get_parameter("stages.0.0.expand.conv.weight")
    assert float(weight.detach().std()) == pytest.approx((2 / weight.shape[0]) ** 0.5, rel=0.2)
    depthwise = build(small(), seed=0).get_parameter("stages.0.0.depthwise.conv.weight")
    assert float(depthwise.detach().std()) == pytest.approx((2 / 9) ** 0.5, rel=0.2)


def test_training_is_refused_where_an_auxiliary_classifier_does_not_fit() -> None:
    architecture = zoo.architecture("googlenet@resolution=64,width=0.1,classes=10")
    assert build(architecture)(torch.zeros(1, 3, 64, 64)).shape == (1, 10)
    with pytest.raises(
        ShapeError, match=r"training: the auxiliary classifier does not fit: layer stages\.1\.1"
    ):
        build(architecture, auxiliaries=True)


def test_auxiliary_classifiers_exist_in_training_only() -> None:
    head = Auxiliary((GlobalPool(), Dense()), weight=0.3)
    stage = Stage((Conv(8), head, Conv(8)))
    architecture = Architecture((Conv(4),), (stage,), (GlobalPool(), Dense()), 8, 10, 1)
    plain, trained = build(architecture), build(architecture, auxiliaries=True)
    assert parameter_count(plain) == costs(architecture).params
    assert parameter_count(trained) == costs(architecture).params + costs(architecture).auxiliary_params
    x, y = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    logits, heads = trained(x)
    assert [weight for _, weight in heads] == [0.3] and heads[0][0].shape == logits.shape
    expected = torch.nn.functional.cross_entropy(logits, y) + 0.3 * torch.nn.functional.cross_entropy(
        heads[0][0], y
    )
    assert float(loss_of(trained(x), y).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert trained.eval()(x).shape == (4, 10)


def test_a_zeroed_last_norm_makes_residual_branches_start_silent() -> None:
    architecture = small()
    paths = list(residual_norms(lower(architecture)))
    assert paths == ["stages.0.1.project.norm", "stages.0.2.conv3.norm"]
    network = build(architecture, zero_last_norm=True)
    assert all(bool((network.get_parameter(f"{p}.weight") == 0).all()) for p in paths)


def test_stochastic_depth_drops_whole_images_in_training_and_nothing_else() -> None:
    network = build(small(), seed=0)
    branch = network.get_submodule("stages.0.1.drop_path")
    x = torch.ones(2000, 2, 3, 3)
    torch.manual_seed(0)
    kept = branch.train()(x).flatten(1)
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert bool((kept == kept[:, :1]).all())
    assert float(kept.mean()) == pytest.approx(1.0, abs=0.1)
    assert torch.equal(branch.eval()(x), x)


def test_in_place_activations_change_no_value_and_no_gradient() -> None:
    network = build(small(resolution=16), seed=0).train()
    torch.manual_seed(0)
    x = torch.randn(4, 1, 16, 16)
    loss_of(network(x), torch.tensor([0, 1, 2, 3])).backward()
    gradients = [p.grad.clone() for p in network.parameters() if p.grad is not None]
    other = build(small(resolution=16), seed=0).train()
    for child in other.modules():
        if isinstance(child, torch.nn.ReLU | torch.nn.ReLU6):
            child.inplace = False
    torch.manual_seed(0)
    assert torch.equal(x, torch.randn(4, 1, 16, 16))
    loss_of(other(x), torch.tensor([0, 1, 2, 3])).backward()
    for mine, p in zip(gradients, other.parameters(), strict=True):
        assert p.grad is not None
        torch.testing.assert_close(mine, p.grad)


def test_seed_none_counts_without_memory() -> None:
    network = build(small(), seed=None)
    assert parameter_count(network) == costs(small()).params
    assert all(p.device.type == "meta" for p in network.parameters())


def test_layer_normalisation_and_layer_scale_by_hand() -> None:
    stage = Stage((ConvNeXt(3, 2, layer_scale=0.5, drop_path=0.1),))
    network = build(Architecture((Conv(4),), (stage,), (GlobalPool(), Dense()), 8, 10, 1))
    loss_of(network.train()(torch.randn(4, 1, 8, 8)), torch.tensor([0, 1, 2, 3])).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
    network.eval()
    norm = network.get_submodule("stages.0.0.norm")
    assert [tuple(p.shape) for p in norm.parameters()] == [(4,), (4,)]
    x = torch.randn(2, 4, 5, 3)
    mean, variance = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
    torch.testing.assert_close(norm(x), (x - mean) / (variance + 1e-6).sqrt())
    torch.testing.assert_close(network.get_submodule("stages.0.0.layer_scale")(x), 0.5 * x)


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.operation))
def test_the_module_of_every_operation_has_its_shape_and_parameters(case: Case) -> None:
    built = module(case.operation).eval()
    assert parameter_count(built) == case.params
    found = built(*[torch.randn(2, *shape) for shape in case.inputs])
    assert tuple(found.shape) == (2, *case.shape)
