"""Every block, one by one: what it declares is what its lowered graph does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import pytest

from space.architecture import Architecture, Stage
from space.block_types import BLOCK_TYPES
from space.blocks import (
    BLOCKS,
    Activate,
    Auxiliary,
    Basic,
    Block,
    Bottleneck,
    Cell,
    CellReduction,
    ChannelNorm,
    Conv,
    ConvNeXt,
    ConvNeXtDownsample,
    Dense,
    DenseDownsample,
    DenseLayer,
    DepthwiseSeparable,
    Drop,
    FusedMBConv,
    GlobalPool,
    Inception,
    LocalResponseNorm,
    MBConv,
    NormAct,
    Parallel,
    Pool,
    ResidualLayer,
    SqueezeExcite,
    StridedLayer,
    Transition,
    UniversalBottleneck,
)
from space.codec import from_json, to_json
from space.cost import segment_costs
from space.errors import InputError
from space.notation import KINDS
from space.rounding import EXACT
from space.scaling import layers, scale
from space.segment import lower_block

CHANNELS = 16
SHAPE = (CHANNELS, 16, 16)
# One or more values of each block; a block without any fails the first test.
SAMPLES: dict[type[Block], tuple[Block, ...]] = {
    Activate: (Activate("relu"),),
    Auxiliary: (Auxiliary((Conv(8), GlobalPool(), Dense())),),
    Basic: (Basic(24), Basic(16, pre_activation=True)),
    Bottleneck: (Bottleneck(32, 8), Bottleneck(32, 8, groups=2), Bottleneck(32, 8, groups=8)),
    Cell: (
        Cell(("nor_conv_3x3", "skip_connect", "avg_pool_3x3")),
        Cell(("none", "none", "nor_conv_1x1", "none", "none", "nor_conv_1x1")),
        Cell(("none",)),
    ),
    CellReduction: (CellReduction(24),),
    Conv: (Conv(24), Conv(16, groups=16), Conv(24, groups=2), Conv(24, (1, 3))),
    ChannelNorm: (ChannelNorm(),),
    ConvNeXt: (ConvNeXt(), ConvNeXt(3, layer_scale=0)),
    ConvNeXtDownsample: (ConvNeXtDownsample(24),),
    Dense: (Dense(24), Dense()),
    DenseDownsample: (DenseDownsample(24), DenseDownsample(24, 1)),
    DenseLayer: (DenseLayer(8),),
    DepthwiseSeparable: (DepthwiseSeparable(24), DepthwiseSeparable(24, group_size=4)),
    Drop: (Drop(0.2),),
    FusedMBConv: (
        FusedMBConv(16),
        FusedMBConv(24, expansion=1),
        FusedMBConv(24, expand_from=12),
        FusedMBConv(16, group_size=16),
    ),
    GlobalPool: (GlobalPool(),),
    Inception: (Inception(3, 5, 7, 11, 13, 17),),
    LocalResponseNorm: (LocalResponseNorm(),),
    MBConv: (MBConv(16), MBConv(24, squeeze_excite=SqueezeExcite()), MBConv(16, group_size=8)),
    NormAct: (NormAct(),),
    Parallel: (Parallel(((Conv(8, 1),), (Conv(8, 3), Inception(8, 8, 8, 8, 8, 8)))),),
    Pool: (Pool(), Pool("avg", 3, 1)),
    SqueezeExcite: (SqueezeExcite(),),
    Transition: (Transition(),),
    UniversalBottleneck: (
        UniversalBottleneck(16, 3, 5),
        UniversalBottleneck(24, 5, 0, expansion=2),
        UniversalBottleneck(16, 0, 0, 3, skip=False),
        UniversalBottleneck(24, 3, 5, 3, squeeze_excite=SqueezeExcite(), group_size=4),
    ),
}
BLOCKS_SEEN = [block for samples in SAMPLES.values() for block in samples]
# Numbers that multiply or divide the channels that come in: they need no scaling of their own.
FACTORS = {"expansion", "bottleneck", "ratio", "compression", "divisor", "hidden_divisor", "weight"}

every_block = pytest.mark.parametrize("block", BLOCKS_SEEN, ids=repr)


def channels_inside(block: Block, channels: int = CHANNELS) -> list[int]:
    """The channels (or features) that each operation of the block puts out."""
    return [node.shape[0] for node in lower_block(block, (channels, 16, 16), 10).graph.nodes[1:]]


def network(block: Block) -> Architecture:
    return Architecture((Conv(CHANNELS),), (Stage((block,)),), (GlobalPool(), Dense()), 16, 10)


def test_every_block_is_walked_here() -> None:
    assert set(SAMPLES) == set(BLOCKS.values())
    for kind, samples in SAMPLES.items():
        assert {type(block) for block in samples} == {kind}


@every_block
def test_every_field_that_holds_channels_is_declared(block: Block) -> None:
    """Doubling any other number leaves the channels of all operations as they are."""
    assert set(block.widths) <= {field.name for field in fields(block)}
    before = set(channels_inside(block))
    for field in fields(block):
        value = getattr(block, field.name)
        if type(value) is not int or field.name in FACTORS:
            continue
        try:
            after = set(channels_inside(replace(block, **{field.name: 2 * value})))
        except InputError:
            continue
        assert (after != before) == (field.name in block.widths), field.name


@every_block
def test_twice_the_width_is_twice_the_channels_of_every_operation(block: Block) -> None:
    if block.chains:
        wide = scale(network(block), width=2, rounding=EXACT).stages[0].blocks[0]
    else:
        wide = block.widened(lambda channels, groups: 2 * channels, (CHANNELS, 2 * CHANNELS))
    classes = isinstance(block, Auxiliary) or block == Dense()
    expected = [
        channels if classes and channels == 10 else 2 * channels for channels in channels_inside(block)
    ]
    assert channels_inside(wide, 2 * CHANNELS) == expected


@every_block
def test_widening_in_a_network_makes_it_larger(block: Block) -> None:
    if isinstance(block, Dense):
        pytest.skip("a linear layer cannot stand in a stage")
    narrow = network(block)
    wide = scale(narrow, width=2, rounding=EXACT)
    _, _, before = narrow.segments()[1]
    _, _, after = wide.segments()[1]
    if segment_costs(before).params:
        assert segment_costs(after).params > segment_costs(before).params


@every_block
def test_a_layer_is_repeated_and_nothing_else(block: Block) -> None:
    if isinstance(block, Dense):
        assert not block.is_layer
        return
    deeper = scale(network(block), depth=3)
    assert len(deeper.stages[0].blocks) == (3 if block.is_layer else 1)
    assert layers(deeper.stages[0]) == (3 if block.is_layer else 0)


@every_block
def test_a_repeatable_block_takes_what_it_puts_out(block: Block) -> None:
    once = block.without_stride()
    if once.repeatable:
        shape = lower_block(once, SHAPE, 10).shape
        assert lower_block(once, shape, 10).shape[1:] == shape[1:] == SHAPE[1:]


@every_block
def test_keeping_the_size_is_what_the_shapes_say(block: Block) -> None:
    if block.keeps_size():
        assert lower_block(block, (12, 32, 32), 10).shape[1:] == (32, 32)


@every_block
def test_a_strided_layer_declares_its_stride(block: Block) -> None:
    strides = any(field.name == "stride" for field in fields(block))
    assert isinstance(block, StridedLayer) == (strides and block.is_layer)
    if isinstance(block, StridedLayer):
        assert block.changed(stride=2).without_stride() == block.without_stride()
        assert not block.changed(stride=2).repeatable
        assert "stride 2" in block.changed(stride=2).description


@every_block
def test_a_residual_block_declares_its_drop_rate(block: Block) -> None:
    assert isinstance(block, ResidualLayer) == any(field.name == "drop_path" for field in fields(block))


@every_block
def test_blocks_have_words_a_block_type_and_a_text_of_their_own(block: Block) -> None:
    assert block.description.strip(", ")
    assert block.block_type in (*BLOCK_TYPES, "other")
    if not isinstance(block, Dense):
        assert from_json(to_json(network(block))) == network(block)


@every_block
def test_a_block_string_comes_back_as_the_block(block: Block) -> None:
    string = block.to_string(CHANNELS)
    if string is None:
        return
    assert string.in_channels in (0, CHANNELS)
    kind = "cn skip" if string.kind == "cn" and string.skip else string.kind
    assert string.kind in KINDS
    readers = [kind_of for kind_of in BLOCKS.values() if kind in kind_of.string_kinds]
    assert len(readers) == 1
    again = readers[0].from_string(replace(string, kind=kind))
    assert lower_block(again, SHAPE, 10).digest == lower_block(block, SHAPE, 10).digest


def test_a_block_that_declares_nothing_is_refused() -> None:
    def without(**declared: object) -> Callable[[], type]:
        return lambda: type("Silent", (Block,), {"lower": lambda self, g, x: x, **declared})

    for make in (without(), without(widths=()), without(is_layer=True)):
        with pytest.raises(TypeError, match="block Silent must declare widths and is_layer"):
            make()
    assert without(widths=(), is_layer=False)().__name__ == "Silent"


def test_a_block_made_from_another_declares_anew() -> None:
    with pytest.raises(TypeError, match="block Wider must declare widths"):

        @dataclass(frozen=True, slots=True)
        class Wider(Conv):
            more_channels: int = 8
