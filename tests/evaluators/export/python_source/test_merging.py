"""Which blocks share a class, and what their readers read where a part is missing."""

from __future__ import annotations

from evaluators.export.python_source.merging import Union, merged
from evaluators.export.python_source.scopes import Chain, Scope, inner_scopes, network_chains
from space.blocks import Basic, Block, Bottleneck, FusedMBConv, MBConv, SqueezeExcite
from tests.evaluators.export.python_source.networks import network


def _unions(kind: str, *blocks: Block) -> list[Union]:
    stages = network_chains(network(*blocks))["stages"]
    assert isinstance(stages, Chain)
    scopes = list(inner_scopes(stages))
    names = {id(scope): scope.kind for scope in scopes}
    return merged([scope for scope in scopes if scope.kind == kind], names)


def test_blocks_with_and_without_a_part_share_a_class() -> None:
    (union,) = _unions(
        "MBConv", MBConv(8, expansion=1), MBConv(16), MBConv(16, squeeze_excite=SqueezeExcite(), stride=2)
    )
    assert list(union.parts) == ["expand", "depthwise", "se", "project", "add"]
    assert union.parts["expand"].present == (False, True, True)
    assert union.parts["expand"].fallback == "x"
    assert union.parts["depthwise"].inputs == ("expand",)
    assert union.parts["add"].fallback == "project"  # the block's output is then what its sum would add


def test_stochastic_depth_of_rate_0_is_put_where_other_blocks_drop() -> None:
    (union,) = _unions("MBConv", MBConv(8, drop_path=0.1), MBConv(8))
    assert union.parts["drop_path"].always
    (without,) = _unions("MBConv", MBConv(8), MBConv(8))
    assert "drop_path" not in without.parts


def test_a_shortcut_without_projection_reads_what_enters_the_block() -> None:
    """A projection of a pre-activated block reads the activated input, an identity the raw one."""
    (union,) = _unions("BasicBlock", Basic(8, pre_activation=True), Basic(16, pre_activation=True))
    shortcut = union.parts["shortcut"]
    assert (shortcut.inputs, shortcut.fallback) == (("act1",), "x")


def test_blocks_that_are_wired_otherwise_do_not_share_a_class() -> None:
    blocks = (Bottleneck(8, 4), Bottleneck(8, 4, pre_activation=True), Bottleneck(16, 4))
    first, second = _unions("Bottleneck", *blocks)
    assert [len(union.instances) for union in (first, second)] == [2, 1]
    assert len(_unions("FusedMBConv", FusedMBConv(8, expansion=1), FusedMBConv(8))) == 2


def test_instances_keep_their_order() -> None:
    blocks = (MBConv(16, stride=2), MBConv(16), MBConv(24), MBConv(24, expansion=2))
    (union,) = _unions("MBConv", *blocks)
    assert [scope.block for scope in union.instances] == list(blocks)
    assert all(isinstance(scope, Scope) for scope in union.instances)
