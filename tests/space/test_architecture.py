"""Architectures check themselves, and equal functions share a key."""

from __future__ import annotations

import random

import pytest

from space.architecture import Architecture, Stage
from space.blocks import (
    Auxiliary,
    Block,
    Conv,
    Dense,
    DepthwiseSeparable,
    Drop,
    GlobalPool,
    LocalResponseNorm,
    MBConv,
    Parallel,
    Pool,
)
from space.errors import InputError, ShapeError
from space.lowering import lower
from space.spaces import space


def network(*blocks: Block, resolution: int = 32, classes: int = 10) -> Architecture:
    return Architecture((Conv(16),), (Stage(blocks),), (GlobalPool(), Dense()), resolution, classes)


def test_too_small_a_resolution_names_the_layer_and_the_smallest_that_works() -> None:
    strides = [Conv(16, 3, 2) for _ in range(4)]
    with pytest.raises(ShapeError, match=r"resolution 8 is too small: layer stages\.0\.3\.conv.*works is 9"):
        network(*strides, resolution=8)
    assert network(*strides, resolution=9).resolution == 9


def test_a_misfit_that_no_resolution_mends_is_named() -> None:
    with pytest.raises(ShapeError, match=r"layer stages\.0\.0\.conv: groups=3 does not divide 16 -> 9"):
        network(Conv(9, groups=3))


def test_the_head_must_end_in_the_classes() -> None:
    with pytest.raises(ShapeError, match="wanted 10 logits"):
        Architecture((Conv(16),), (), (GlobalPool(), Dense(12)), 32, 10)


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "32"])
def test_resolution_must_be_a_positive_whole_number(value: object) -> None:
    with pytest.raises(InputError, match="resolution: wanted a positive whole number"):
        network(Conv(16)).replace(resolution=value)


def test_key_ignores_name_stage_boundaries_and_identity_layers() -> None:
    plain = network(Conv(16), Conv(24))
    split = plain.replace(stages=(Stage((Conv(16),)), Stage((Drop(0.0), Conv(24)))), name="other")
    assert split.key == plain.key
    assert split != plain


def test_key_ignores_block_type_where_the_operations_are_equal() -> None:
    mbconv = network(MBConv(16, expansion=1, activation="relu"))
    separable = network(DepthwiseSeparable(16, skip=True, project_activation=None))
    assert mbconv.key == separable.key


def test_key_ignores_the_order_of_parallel_branches_only_where_it_is_a_relabelling() -> None:
    branches = ((Conv(8),), (Conv(8, 5), Conv(16)))
    forward, backward = Parallel(branches), Parallel(branches[::-1])
    assert network(forward, Conv(16)).key == network(backward, Conv(16)).key
    assert network(forward, Conv(24, groups=3)).key != network(backward, Conv(24, groups=3)).key
    assert network(forward, LocalResponseNorm()).key != network(backward, LocalResponseNorm()).key
    assert network(forward, Conv(24, groups=24)).key == network(backward, Conv(24, groups=24)).key


def test_key_sees_what_changes_the_function() -> None:
    base = network(Conv(16))
    others = [
        network(Conv(17)),
        network(Conv(16, 5)),
        network(Conv(16, activation="silu")),
        network(Conv(16), Pool()),
        network(Conv(16), Drop(0.1)),
        network(Auxiliary((GlobalPool(), Dense())), Conv(16)),
        network(Conv(16), resolution=64),
        network(Conv(16), classes=11),
    ]
    assert len({base.key, *(o.key for o in others)}) == len(others) + 1


def test_lowered_graph_is_in_order_and_reaches_everything() -> None:
    chosen = space("mixed")
    rng = random.Random(3)
    for _ in range(50):
        graph = lower(chosen.decode(chosen.sample(rng)))
        for index, node in enumerate(graph.nodes):
            assert all(source < index for source in node.inputs)
            if node.inputs:
                assert node.shape == node.op.output_shape(*(graph.nodes[i].shape for i in node.inputs))
        assert graph.needed_for(graph.output) == set(range(len(graph.nodes)))
        assert len({node.path for node in graph.nodes}) == len(graph.nodes)
