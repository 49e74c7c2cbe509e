"""The plan of a growth: which blocks are new, and what is no larger relative."""

from __future__ import annotations

import pytest

from space.architecture import Architecture, Stage
from space.blocks import Basic, Block, Bottleneck, Conv, Dense, Drop, GlobalPool, MBConv
from space.errors import InputError
from space.growth import growth
from space.growth.blocks import matches
from space.scaling import scale
from space.zoo import architecture as known


def net(
    *stages: tuple[Block, ...], stem: int = 8, classes: int = 5, side: int = 16, channels: int = 3
) -> Architecture:
    head = (GlobalPool(), Drop(0.2), Dense())
    return Architecture((Conv(stem),), tuple(map(Stage, stages)), head, side, classes, channels)


def new_blocks(smaller: Architecture, larger: Architecture) -> list[str]:
    return [
        match.larger.path
        for match in matches(smaller, larger, "--to")
        if match.smaller is None and not match.larger.silent
    ]


def test_layers_are_put_in_where_blocks_of_another_kind_leave_room() -> None:
    a, b = Basic(8), Basic(8, activation="relu6")
    assert new_blocks(net((a, b)), net((a, a, b, b))) == ["stages.0.1", "stages.0.3"]
    strided = Basic(16, stride=2)
    assert new_blocks(net((strided,)), net((strided, Basic(16)))) == ["stages.0.1"]


def test_of_blocks_that_differ_in_channels_alone_those_belong_together_that_grew_alike() -> None:
    smaller = net((Conv(8), Conv(32)))
    larger = net((Conv(40), Conv(40), Conv(160), Conv(160)))
    assert new_blocks(smaller, larger) == ["stages.0.1", "stages.0.3"]


def test_the_inception_stages_of_googlenet() -> None:
    smaller = known("googlenet_bn@resolution=64,classes=10")
    larger = scale(smaller, depth=1.5, width=1.5)
    pairs = [m for m in matches(smaller, larger, "--to") if m.smaller is not None]
    found = {m.smaller.path: m.larger for m in pairs if m.smaller is not None}
    for path, block, segment in smaller.segments():
        if type(block).__name__ == "Inception":
            assert 1.3 < found[path].segment.shape[0] / segment.shape[0] < 1.7


def test_dropout_is_no_part_of_the_function() -> None:
    plain = net((Basic(8),)).replace(head=(GlobalPool(), Dense()))
    assert growth(net((Basic(8),)), plain).notes == growth(plain, net((Basic(8),))).notes == ()


def test_a_network_is_its_own_larger_one() -> None:
    base = known("efficientnet_b0@resolution=64,classes=10")
    plan = growth(base, base)
    assert plan.added == () and plan.notes == ()
    assert all(origins == tuple(range(len(origins))) for origins in plan.origins.values())


BASE = net((MBConv(8), MBConv(8)), (Bottleneck(16, 8, stride=2, groups=2),))
REFUSED = {
    "layers": (
        net((MBConv(8),), BASE.stages[1].blocks),
        "all layers that stages.0 has in RUN, in order (2 blocks), got 1 block",
    ),
    "channels": (
        net(BASE.stages[0].blocks, (Bottleneck(16, 4, stride=2, groups=2),)),
        "at least the 8 channels that stages.1.0.conv1.conv has in RUN, got 4",
    ),
    "stem": (
        net(*(s.blocks for s in BASE.stages), stem=6),
        "at least the 8 channels that stem.0.conv has in RUN, got 6",
    ),
    "pixels": (BASE.replace(resolution=12), "at least the 16 pixels of RUN, got 12"),
    "stages": (net(BASE.stages[0].blocks), "as many stages as RUN has, 2, got 1"),
    "classes": (net(*(s.blocks for s in BASE.stages), classes=6), "a network of 5 classes as RUN's, got 6"),
    "images": (net(*(s.blocks for s in BASE.stages), channels=1), "a network of 3 channels as RUN's, got 1"),
    "kernels": (
        net((MBConv(8, kernel=5), MBConv(8)), BASE.stages[1].blocks),
        "all layers that stages.0 has in RUN",
    ),
    "kinds": (net((Basic(8), Basic(8)), BASE.stages[1].blocks), "all layers that stages.0 has in RUN"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_smaller_or_no_relative_is_refused_in_one_line(name: str) -> None:
    larger, message = REFUSED[name]
    with pytest.raises(InputError) as caught:
        growth(BASE, larger, argument="--to")
    assert str(caught.value).startswith("--to: wanted ") and message in str(caught.value)
