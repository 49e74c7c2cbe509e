"""Scaling: the released networks to the last parameter, other papers' counts, and what holds for any network."""

from __future__ import annotations

import random
from math import log

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from space.architecture import Architecture, Stage
from space.blocks import (
    Bottleneck,
    Conv,
    Dense,
    DenseLayer,
    GlobalPool,
    Inception,
    MBConv,
    Parallel,
    Pool,
    SqueezeExcite,
    Transition,
)
from space.cost import costs
from space.efficientnet_figures import LITE_NETWORKS, RELEASED_NETWORKS, Published
from space.errors import InputError, ShapeError
from space.rounding import EXACT, LITE, POLICIES, RELEASED, TINYNET, Rounding
from space.scaling import (
    PAPER,
    Coefficients,
    build,
    compound,
    deeper,
    layers,
    plan,
    scale,
    smallest_resolution,
    wider,
)
from space.spaces import space
from space.zoo import ZOO, architecture

B0 = architecture("efficientnet_b0")


def gmacs(network: Architecture) -> float:
    return costs(network).macs / 1e9


def net(*stages: Stage, resolution: int = 32) -> Architecture:
    head = (GlobalPool(), Dense())
    return Architecture((Conv(16, 3, 2),), stages, head, resolution, 10)


@pytest.mark.parametrize("published", RELEASED_NETWORKS, ids=lambda p: p.name)
def test_released_networks_come_out_of_b0_by_scaling(published: Published) -> None:
    grown = scale(B0, depth=published.depth, width=published.width, resolution=published.resolution)
    counted = costs(grown)
    assert (counted.params, counted.macs) == (published.params, published.macs)
    assert grown.stages == architecture(published.name).stages  # the heads differ in their dropout


@pytest.mark.parametrize("published", LITE_NETWORKS, ids=lambda p: p.name)
def test_lite_keeps_stem_and_head(published: Published) -> None:
    base = architecture("efficientnet_lite0")
    grown = scale(
        base,
        depth=published.depth,
        width=published.width,
        resolution=published.resolution,
        rounding=LITE,
    )
    assert (grown.stem, grown.head) == (base.stem, base.head)
    assert costs(grown).params == published.params
    assert len(grown.stages[0].blocks) == len(grown.stages[-1].blocks) == 1


@pytest.mark.parametrize(
    ("width", "depth", "resolution", "params_m", "macs_m"),
    [
        # Params as timm prints them, MACs of the paper (Han et al. 2020, table 5), which counts within 1.5 %.
        (1.0, 1.2, 192, 6.19, 339),
        (0.75, 1.1, 188, 3.73, 202),
        (0.54, 0.85, 184, 2.46, 100),
        (0.54, 0.695, 152, 2.34, 52),
        (0.51, 0.6, 106, 2.04, 24),
    ],
)
def test_tinynets_are_published_smaller_networks(
    width: float, depth: float, resolution: int, params_m: float, macs_m: float
) -> None:
    counted = costs(scale(B0, depth=depth, width=width, resolution=resolution, rounding=TINYNET))
    assert round(counted.params / 1e6, 2) == params_m
    assert counted.macs / 1e6 == pytest.approx(macs_m, rel=0.016)


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        # Counted by hand from the layer lists for Tan & Le 2019, tables 3 and 7.
        ("mobilenet_v1", {"width": 2}, 2.22),
        ("mobilenet_v1", {"resolution": 448}, 2.27),
        ("mobilenet_v2", {"depth": 4}, 1.22),
        ("mobilenet_v2", {"width": 2}, 1.14),
        ("mobilenet_v2", {"resolution": 448}, 1.20),
        ("mobilenet_v2", {"depth": 1.4, "width": 1.2, "resolution": 291}, 1.44),
        ("resnet50", {"depth": 4}, 14.57),
        ("resnet50", {"width": 2}, 16.12),
        ("resnet50", {"resolution": 448}, 16.35),
        ("efficientnet_b0", {"depth": 4}, 1.575),
        ("efficientnet_b0", {"width": 2}, 1.450),
        ("efficientnet_b0", {"resolution": 448}, 1.538),
        ("efficientnet_b0", {"depth": 1.4, "width": 1.2, "resolution": 291}, 1.800),
    ],
)
def test_other_networks_of_the_paper(name: str, settings: dict[str, float], expected: float) -> None:
    digits = 3 if expected in (1.575, 1.450, 1.538, 1.800) else 2
    assert round(gmacs(scale(architecture(name), **settings)), digits) == expected  # type: ignore[arg-type]


def test_the_rule_costs_more_than_twice_at_phi_one() -> None:
    ratios = [gmacs(compound(B0, phi)) / gmacs(B0) for phi in range(1, 9)]
    assert ratios == pytest.approx([2.57, 4.69, 8.43, 16.4, 29.5, 52.1, 102.8, 188.4], rel=4e-3)
    assert compound(B0, 1).stages == architecture("efficientnet_b2").stages


@pytest.mark.parametrize("name", ZOO)
def test_every_known_network_scales(name: str) -> None:
    network = architecture(name)
    assert scale(network) is network
    assert compound(network, 0) is network
    before = None
    for phi in (-30, -3, -0.5, -0.1, 0, 0.1, 1, 3):
        counted = costs(compound(network, phi))
        if before is not None:
            assert counted.params >= before.params, phi
            assert counted.macs >= before.macs, phi
        before = counted


@settings(deadline=None)
@given(
    st.sampled_from(["mixed", "mbconv", "bottleneck", "inception"]),
    st.integers(0, 10**6),
    st.sampled_from(sorted(POLICIES)),
    st.lists(st.floats(-4, 4), min_size=2, max_size=4),
)
def test_costs_never_fall_as_phi_grows(name: str, seed: int, policy: str, phis: list[float]) -> None:
    found = space(name, resolution=32, classes=10)
    network = found.decode(found.sample(random.Random(seed)))
    assert scale(network, rounding=POLICIES[policy]) == network
    counted = [costs(compound(network, phi, rounding=POLICIES[policy])) for phi in sorted([0.0, *phis])]
    assert [c.params for c in counted] == sorted(c.params for c in counted)
    assert [c.macs for c in counted] == sorted(c.macs for c in counted)


@given(st.floats(1, 2), st.floats(1, 2), st.floats(1.001, 2), st.floats(-8, 8))
def test_before_rounding_the_budget_is_a_power_of_the_growth(
    alpha: float, beta: float, gamma: float, phi: float
) -> None:
    coefficients = Coefficients(alpha, beta, gamma)
    depth, width, resolution = coefficients.factors(phi)
    assert log(depth * width**2 * resolution**2) == pytest.approx(phi * log(coefficients.growth), abs=1e-9)


def test_paper_coefficients_multiply_to_less_than_two() -> None:
    assert PAPER.growth == pytest.approx(1.92027)


@given(st.integers(1, 600), st.floats(0.05, 6), st.sampled_from([1, 2, 4, 32]))
@example(11, 1.0, 4)
def test_channels_keep_their_grid_and_their_floor(base: int, factor: float, groups: int) -> None:
    base *= groups
    rounded = RELEASED.channels(base, factor, groups)
    assert rounded == base or rounded % 8 == 0
    assert rounded % groups == 0
    if factor > 1:
        assert rounded >= max(base, 0.9 * base * factor)
    assert RELEASED.channels(base, factor * 1.3, groups) >= rounded
    wider_factor = RELEASED.widening(base, factor, groups)
    assert RELEASED.channels(base, wider_factor, groups) > rounded
    # The step may lie a part in 10^9 beyond the factor, where the base is off the grid.
    halfway = max(factor, min((factor + wider_factor) / 2, wider_factor * (1 - 1e-6)))
    assert RELEASED.channels(base, halfway, groups) in (
        rounded,
        RELEASED.channels(base, wider_factor, groups),
    )


def test_repeats_are_not_rounded_up_by_floating_point() -> None:
    assert RELEASED.repeated(10, 1.1) == 11
    assert RELEASED.repeated(4, 0.1) == 1
    assert EXACT.repeated(3, 1.4) == 4


def test_depth_repeats_stride_one_layers_in_order() -> None:
    unlike = Stage((MBConv(24, stride=2), MBConv(24, kernel=5), Pool("max", 3, 1), MBConv(24, expansion=3)))
    stage = scale(net(unlike), depth=5 / 3).stages[0]
    kinds = [(getattr(b, "kernel", 0), getattr(b, "expansion", 0)) for b in stage.blocks]
    assert kinds == [(3, 6), (5, 6), (5, 6), (3, 0), (3, 3), (3, 3)]
    assert [getattr(b, "stride", 1) for b in stage.blocks] == [2, 1, 1, 1, 1, 1]
    assert layers(scale(net(unlike), depth=0.1).stages[0]) == 1


def test_a_lone_strided_layer_is_repeated_without_its_stride() -> None:
    stage = scale(net(Stage((Bottleneck(64, 16, stride=2),))), depth=2).stages[0]
    assert stage.blocks == (Bottleneck(64, 16, stride=2), Bottleneck(64, 16, stride=1))


def test_dense_blocks_grow_in_layers_and_growth() -> None:
    network = net(Stage((*(DenseLayer(16),) * 3, Transition())))
    grown = scale(network, depth=2, width=1.5)
    assert grown.stages[0].blocks == (*(DenseLayer(24),) * 6, Transition())


def test_inception_and_parallel_branches_widen() -> None:
    network = net(
        Stage((Inception(16, 16, 16, 8, 8, 8), Parallel(((Conv(16, 1),), (Conv(8, 3), Conv(8, 3))))))
    )
    grown = scale(network, width=2)
    assert grown.stages[0].blocks[0] == Inception(32, 32, 32, 16, 16, 16)
    assert grown.stages[0].blocks[1] == Parallel(((Conv(32, 1),), (Conv(16, 3), Conv(16, 3))))


def test_groups_stay_valid() -> None:
    resnext = scale(architecture("resnext50_32x4d"), width=1.3)
    for stage in resnext.stages:
        for block in stage.blocks:
            assert isinstance(block, Bottleneck) and block.groups == 32 and block.width % 32 == 0
    grouped = net(Stage((Conv(16, 3, groups=16), Conv(32, 1), Conv(32, 3, groups=4), Conv(48, 3, groups=2))))
    grown = scale(grouped, width=1.5, depth=2)
    blocks = [b for b in grown.stages[0].blocks if isinstance(b, Conv)]
    assert blocks[0] == Conv(24, 3, groups=24)  # depthwise stays depthwise
    assert {b.groups for b in blocks} == {24, 1, 4, 2}


def test_squeeze_width_follows_the_input() -> None:
    se = SqueezeExcite(0.25)
    network = net(Stage((MBConv(24, squeeze_excite=se), MBConv(24, squeeze_excite=se))))
    reduce = [
        node.shape[0]
        for _, _, segment in scale(network, width=2).segments()
        for node in segment.graph.nodes
        if node.path == "se.reduce"
    ]
    assert reduce == [8, 12]  # a quarter of the stem's 32 and of the first block's 48


def test_resolution_stops_where_the_strides_need_it() -> None:
    assert compound(B0, -40).resolution == smallest_resolution(B0) == 17
    with pytest.raises(ShapeError, match="smallest that works"):
        scale(B0, resolution=16)


def test_moves_change_one_number() -> None:
    start = plan(B0, depth=1.2, width=1.1, resolution=260)
    more = deeper(B0, start, 3)
    assert more is not None
    assert [a - b for a, b in zip(more.repeats, start.repeats, strict=True)] == [0, 0, 0, 1, 0, 0, 0]
    for part in range(9):
        wide = wider(B0, start, part)
        assert wide is not None
        assert costs(build(B0, wide)).params > costs(build(B0, start)).params
    assert wider(B0, start, 0, LITE) is None
    assert wider(B0, start, 8, LITE) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compound(B0, 1, alpha=0.9), "alpha: wanted a coefficient of 1 or more, got 0.9"),
        (lambda: compound(B0, float("nan")), "phi: wanted a finite number"),
        (lambda: Coefficients(1, 1, 1), "at least one above 1"),
        (lambda: scale(B0, depth=0), "depth: wanted a positive multiplier"),
        (lambda: scale(B0, width=-1), "width"),
        (lambda: scale(B0, resolution=224.5), "resolution"),  # type: ignore[arg-type]
        (lambda: Rounding(repeats="up"), "Rounding.repeats: wanted one of ceil, round, floor"),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]


def test_a_policy_says_what_it_is() -> None:
    assert str(RELEASED).startswith("released (channels to a multiple of 8, never below 90%; repeats up;")
    assert RELEASED.changed(resolution_multiple=32).name == "released with resolution multiple 32"
    assert RELEASED.changed(repeats=None) is RELEASED
