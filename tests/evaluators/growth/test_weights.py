"""A grown network computes what the smaller one does, whatever blocks it is made of; and its repeats part in training."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F

from evaluators.data import load
from evaluators.growth.norms import fit_norms
from evaluators.images.device_images import DeviceImages
from space.architecture import Architecture, Stage
from space.blocks import (
    Basic,
    Block,
    Bottleneck,
    Cell,
    Conv,
    ConvNeXt,
    Dense,
    DenseLayer,
    DepthwiseSeparable,
    FusedMBConv,
    GlobalPool,
    Inception,
    LocalResponseNorm,
    MBConv,
    Parallel,
    Pool,
    SqueezeExcite,
    Transition,
    UniversalBottleneck,
)
from space.scaling import scale
from space.zoo import architecture as known
from tests.evaluators.growth.drawn import difference, drawn_network, drawn_pairs, grown_network

SAME = 1e-5
SE = SqueezeExcite(0.25)


def net(
    *blocks: Block, stem: int = 8, head: Sequence[Block] = (GlobalPool(), Dense()), act: str = "relu"
) -> Architecture:
    return Architecture((Conv(stem, activation=act),), (Stage(blocks),), tuple(head), resolution=8, classes=5)


def check_exact(count: int, seed: int) -> None:
    for kind, smaller, larger in drawn_pairs(count, seed=seed):
        found, grown = difference(smaller, larger)
        assert grown.notes == (), (kind, grown.notes)
        assert found <= SAME, (kind, found)


def test_random_networks_keep_their_function() -> None:
    check_exact(12, seed=0)


@pytest.mark.slow
def test_a_hundred_random_networks_keep_their_function() -> None:
    check_exact(102, seed=1)


PAIRS: dict[str, tuple[Architecture, Architecture]] = {
    "plain": (net(Conv(8)), net(*[Conv(12)] * 3, stem=12)),
    "no norm": (net(Conv(8, norm=False)), net(*[Conv(12, norm=False)] * 2, stem=10)),
    "gated": (
        net(MBConv(8, squeeze_excite=SE, activation="silu"), act="silu"),
        net(*[MBConv(16, squeeze_excite=SE, activation="silu")] * 2, stem=16, act="silu"),
    ),
    "without a skip, SiLU": (
        net(MBConv(8, skip=False, squeeze_excite=SE, expansion=4, activation="silu"), act="silu"),
        net(
            *[MBConv(12, skip=False, squeeze_excite=SE, expansion=4, activation="silu")] * 2,
            stem=12,
            act="silu",
        ),
    ),
    "without a skip, ReLU6": (
        net(MBConv(8, skip=False, expansion=2)),
        net(*[MBConv(12, skip=False, expansion=2)] * 3, stem=12),
    ),
    "larger expansion": (net(MBConv(8, expansion=3)), net(MBConv(8, expansion=6))),
    "universal": (
        net(UniversalBottleneck(8, 5, 3, 3)),
        net(*[UniversalBottleneck(16, 5, 3, 3)] * 2, stem=16),
    ),
    "separable": (
        net(DepthwiseSeparable(8, squeeze_excite=SE)),
        net(*[DepthwiseSeparable(12, squeeze_excite=SE)] * 2, stem=12),
    ),
    "fused, no expansion": (
        net(FusedMBConv(8, expansion=1)),
        net(*[FusedMBConv(16, expansion=1)] * 2, stem=16),
    ),
    "groups in number": (
        net(Bottleneck(8, 8, groups=4)),
        net(*[Bottleneck(16, 16, groups=4)] * 2, stem=16),
    ),
    "groups in size": (net(Conv(8, groups=2)), net(Conv(12, groups=3), stem=12)),
    "depthwise, twice the channels": (net(Conv(16, groups=8)), net(Conv(24, groups=12), stem=12)),
    "a projection of its own": (net(Basic(8)), net(*[Basic(16)] * 2, stem=8)),
    "pre-activation": (
        net(Basic(8, pre_activation=True)),
        net(*[Basic(16, pre_activation=True)] * 3, stem=16),
    ),
    "dense": (
        net(DenseLayer(4), DenseLayer(4), Transition()),
        net(*[DenseLayer(6)] * 3, Transition(), stem=12),
    ),
    "inception": (
        net(Inception(8, 4, 8, 4, 4, 4)),
        net(Inception(12, 6, 16, 6, 8, 5), stem=11),
    ),
    "inception, wide enough to be deeper": (
        net(Inception(4, 4, 4, 4, 4, 4)),
        net(*[Inception(8, 8, 8, 8, 8, 8)] * 2),
    ),
    "branches": (
        net(Parallel(((Conv(4),), ()))),
        net(Parallel(((Conv(6),), ())), Parallel(((Conv(5),), ())), stem=10),
    ),
    "cell": (
        net(Cell(("nor_conv_3x3", "none", "skip_connect"))),
        net(*[Cell(("nor_conv_3x3", "none", "skip_connect"))], stem=12),
    ),
    "cell with a way through": (
        net(Cell(("nor_conv_1x1", "skip_connect", "nor_conv_3x3"))),
        net(*[Cell(("nor_conv_1x1", "skip_connect", "nor_conv_3x3"))] * 2, stem=12),
    ),
    "hidden layers, flattened maps": (
        net(Conv(8), Pool("max", 2, 2, padding=0), head=(Dense(12, "relu"), Dense())),
        net(Conv(12), Pool("max", 2, 2, padding=0), head=(Dense(20, "relu"), Dense())),
    ),
    "every channel twice, layer norm": (
        net(ConvNeXt(3, layer_scale=0.5)),
        net(*[ConvNeXt(3, layer_scale=0.5)] * 2, stem=16),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_each_kind_of_block_keeps_its_function(name: str) -> None:
    found, grown = difference(*PAIRS[name])
    assert grown.notes == ()
    assert found <= SAME


INEXACT = {
    "layer norm": (net(ConvNeXt(3)), net(ConvNeXt(3), stem=12), "normalisation over channels", 0.3),
    "neighbours": (
        net(LocalResponseNorm(alpha=0.5)),
        net(LocalResponseNorm(alpha=0.5), stem=12),
        "over neighbouring channels",
        0.3,
    ),
    "a non-linearity in the way": (
        net(Basic(8, activation="silu"), act="silu"),
        net(*[Basic(8, activation="silu")] * 2, act="silu"),
        "new layers that cannot",
        1.0,
    ),
    "too narrow an inception": (
        net(Inception(4, 2, 4, 2, 4, 4)),
        net(*[Inception(4, 2, 4, 2, 4, 4)] * 2),
        "new layers that cannot",
        2.0,
    ),
    "a shortcut more": (net(MBConv(12)), net(MBConv(12), stem=12), "shortcuts that RUN does not have", 5.0),
    "a shortcut less": (net(MBConv(8)), net(MBConv(12)), "ends in|in front that", 5.0),
}


@pytest.mark.parametrize("name", INEXACT)
def test_what_cannot_be_kept_is_named(name: str) -> None:
    smaller, larger, why, most = INEXACT[name]
    found, grown = difference(smaller, larger)
    assert any(part in note.why for note in grown.notes for part in why.split("|"))
    assert SAME < found < most


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "googlenet_bn", "mobilenetv4_conv_small"])
def test_networks_of_the_zoo(name: str) -> None:
    smaller = known(f"{name}@resolution=64,classes=10")
    depth = 1.0 if name == "googlenet_bn" else 1.5
    found, grown = difference(smaller, scale(smaller, depth=depth, width=1.2))
    assert grown.notes == ()
    assert found <= SAME


def test_more_pixels_in_front_of_a_flattened_map_are_interpolated() -> None:
    smaller = net(Conv(8), head=(Dense(),))
    larger = smaller.replace(resolution=16)
    before = drawn_network(smaller)
    after, grown = grown_network(smaller, larger, before)
    assert [note.path for note in grown.notes] == ["head.0.linear"]
    even = torch.ones(1, 3, 8, 8)
    with torch.no_grad():
        wanted, came = before(even), after(F.interpolate(even, (16, 16)))
    # Borders are padded, so that the two differ there.
    torch.testing.assert_close(came, wanted, rtol=0.3, atol=0.3)


def test_repeats_get_gradients_of_their_own() -> None:
    smaller, larger = net(Conv(8)), net(Conv(16), stem=16)
    after, grown = grown_network(smaller, larger, drawn_network(smaller))
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    after.train()(x).square().sum().backward()
    stem = after.get_parameter("stem.0.conv.weight")
    rows = grown.plan.origins[1]
    one, other = (i for i, origin in enumerate(rows) if origin == 3)
    assert torch.equal(stem[one], stem[other])
    assert stem.grad is not None
    cosine = F.cosine_similarity(stem.grad[one].flatten(), stem.grad[other].flatten(), dim=0)
    assert cosine < 0.999


def test_the_seed_decides_which_channels_are_repeated_and_how() -> None:
    smaller, larger = net(Conv(8)), net(Conv(12), stem=12)
    before = drawn_network(smaller)
    states = [grown_network(smaller, larger, before, seed)[0].state_dict() for seed in (0, 0, 1)]
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name])
    assert any(not torch.equal(tensor, states[2][name]) for name, tensor in states[0].items())


def test_new_norms_change_nothing_in_training_either() -> None:
    images = load("digits")
    smaller = net(Conv(8)).replace(in_channels=1, classes=10)
    larger = net(Conv(8), Conv(8), Conv(8)).replace(in_channels=1, classes=10)
    before = drawn_network(smaller)
    some = DeviceImages(images, images.train[:256], 8, torch.device("cpu"))
    x = some.slice(0, 256)[0]
    for fitted in (False, True):
        after, grown = grown_network(smaller, larger, before)
        norms = [f"{path}.norm" for path in grown.plan.added]
        if fitted:
            fit_norms(after, norms, some)
        with torch.no_grad():
            wanted = before(x)
            torch.testing.assert_close(after(x), wanted, rtol=1e-4, atol=1e-4)
            for norm in norms:
                after.get_submodule(norm).train()
            assert torch.allclose(after(x), wanted, rtol=1e-3, atol=1e-3) == fitted
