"""The block types that a search can choose from, one value each: its settings, and the stage that they make.

A block type is added by one value in ``BLOCK_TYPES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from space.blocks import (
    Basic,
    Block,
    Bottleneck,
    ConvNeXt,
    ConvNeXtDownsample,
    DenseDownsample,
    DenseLayer,
    FusedMBConv,
    Inception,
    MBConv,
    NormAct,
    Pool,
    SqueezeExcite,
    round_channels,
)
from space.errors import InputError, ShapeError, UnknownNameError
from space.limits import LARGEST_FACTOR
from space.search_space import Option, is_number

# Shares of an inception block's output given to its 1×1, 3×3, 5×5 and pooling branches: equal, as
# GoogLeNet's 3a (mostly 3×3), and with more of the wide kernel than it.
SPLITS: dict[str, tuple[float, float, float, float]] = {
    "even": (0.25, 0.25, 0.25, 0.25),
    "narrow": (0.25, 0.5, 0.125, 0.125),
    "wide": (0.125, 0.375, 0.375, 0.125),
}


@dataclass(frozen=True, slots=True)
class StageChoice:
    """What a search has chosen for one stage: ``depth`` blocks of ``channels`` channels, entered at ``stride``.

    ``settings`` holds a value for each setting of the block type.
    """

    channels: int
    stride: int
    depth: int
    activation: str
    settings: Mapping[str, Any]

    @property
    def squeeze_excite(self) -> SqueezeExcite | None:
        """The gate of ratio ``se``; None at 0."""
        ratio = self.settings["se"]
        return SqueezeExcite(ratio) if ratio > 0 else None


@dataclass(frozen=True, slots=True)
class BlockType:
    """A block type: ``settings`` names its open choices with their default options, ``stage`` makes the blocks."""

    name: str
    settings: Mapping[str, tuple[Option, ...]]
    stage: Callable[[StageChoice], tuple[Block, ...]]


def _mbconv(stage: StageChoice) -> tuple[Block, ...]:
    block = MBConv(
        stage.channels,
        kernel=stage.settings["kernel"],
        expansion=stage.settings["expansion"],
        stride=stage.stride,
        squeeze_excite=stage.squeeze_excite,
        skip=stage.settings["skip"],
        activation=stage.activation,
    )
    return (block, *(block.without_stride(),) * (stage.depth - 1))


def _bottleneck(stage: StageChoice) -> tuple[Block, ...]:
    block = Bottleneck(
        stage.channels,
        width=round_channels(stage.channels * stage.settings["ratio"]),
        stride=stage.stride,
        groups=stage.settings["groups"],
        squeeze_excite=stage.squeeze_excite,
        pre_activation=stage.settings["pre_activation"],
        activation=stage.activation,
    )
    return (block, *(block.without_stride(),) * (stage.depth - 1))


def _inception(stage: StageChoice) -> tuple[Block, ...]:
    conv3, conv5, pool = (
        max(1, int(stage.channels * share)) for share in SPLITS[stage.settings["split"]][1:]
    )
    reduce = stage.settings["reduce"]
    block = Inception(
        conv1=stage.channels - conv3 - conv5 - pool,
        reduce3=max(4, int(stage.channels * reduce)),
        conv3=conv3,
        reduce5=max(4, int(stage.channels * reduce / 2)),
        conv5=conv5,
        pool=pool,
        wide_kernel=stage.settings["wide_kernel"],
        activation=stage.activation,
    )
    # GoogLeNet reduces with a max pool in front of its blocks, not inside them.
    entry: tuple[Block, ...] = (Pool("max", 3, 2),) if stage.stride == 2 else ()
    return entry + (block,) * stage.depth


def _convnext(stage: StageChoice) -> tuple[Block, ...]:
    # Branches that start at the paper's 1e-6 learn nothing in a short training. Touvron et al. 2021 start
    # networks of up to 18 blocks at 0.1.
    block = ConvNeXt(stage.settings["kernel"], stage.settings["expansion"], layer_scale=0.1)
    return (ConvNeXtDownsample(stage.channels, stage.stride), *(block,) * stage.depth)


def _fused(stage: StageChoice) -> tuple[Block, ...]:
    block = FusedMBConv(
        stage.channels,
        expansion=stage.settings["expansion"],
        stride=stage.stride,
        squeeze_excite=stage.squeeze_excite,
        activation=stage.activation,
    )
    return (block, *(block.without_stride(),) * (stage.depth - 1))


def _basic(stage: StageChoice) -> tuple[Block, ...]:
    block = Basic(
        stage.channels, stage.stride, squeeze_excite=stage.squeeze_excite, activation=stage.activation
    )
    return (block, *(block.without_stride(),) * (stage.depth - 1))


def _dense(stage: StageChoice) -> tuple[Block, ...]:
    """DenseNet lets a stage grow as it will; here its layers add the share ``grown`` of the stage's channels."""
    growth = int(stage.channels * stage.settings["grown"] / stage.depth)
    if growth < 1:
        raise ShapeError(f"dense stage of {stage.channels} channels: no room for {stage.depth} layers")
    if growth > 8:
        growth = growth // 4 * 4
    layer = DenseLayer(growth, bottleneck=stage.settings["bottleneck"], activation=stage.activation)
    entry = DenseDownsample(stage.channels - stage.depth * growth, stage.stride, stage.activation)
    # The layers leave their sums unnormalised: whatever follows is not made for that.
    return (entry, *(layer,) * stage.depth, NormAct(stage.activation))


BLOCK_TYPES: dict[str, BlockType] = {
    block_type.name: block_type
    for block_type in (
        BlockType(
            "mbconv",
            {"kernel": (3, 5), "expansion": (2, 4, 6), "se": (0.0, 0.25), "skip": (True, False)},
            _mbconv,
        ),
        BlockType(
            "bottleneck",
            {"ratio": (0.25, 0.5), "groups": (1, 4), "se": (0.0, 0.25), "pre_activation": (False, True)},
            _bottleneck,
        ),
        BlockType(
            "inception",
            {"split": tuple(SPLITS), "wide_kernel": (3, 5), "reduce": (0.25, 0.5)},
            _inception,
        ),
        BlockType("convnext", {"kernel": (3, 5, 7), "expansion": (2, 4)}, _convnext),
        BlockType("fused", {"expansion": (1, 2, 4), "se": (0.0, 0.25)}, _fused),
        BlockType("basic", {"se": (0.0, 0.25)}, _basic),
        BlockType("dense", {"grown": (0.5, 0.75), "bottleneck": (2, 4)}, _dense),
    )
}
"""The block types by name, in the order of their colours in drawings."""


def check_options(what: str, block_type: BlockType, options: Any) -> None:
    """Raises InputError for options of a setting that are not of the kind of its default ones."""
    if not isinstance(options, Mapping):
        raise InputError.of(what, "a table of settings", options)
    for setting, values in options.items():
        if setting not in block_type.settings:
            raise UnknownNameError(what, setting, block_type.settings)
        usual = block_type.settings[setting]
        if not isinstance(values, tuple) or not values or not all(_is_like(value, usual) for value in values):
            raise InputError.of(f"{what}.{setting}", f"a list of options such as {list(usual)}", values)


def _is_like(value: Any, usual: tuple[Option, ...]) -> bool:
    """Whether ``value`` may stand for one of the ``usual`` options: a name is one of them, a number any of their kind."""
    if isinstance(usual[0], bool):
        return isinstance(value, bool)
    if isinstance(usual[0], str):
        return value in usual
    if all(isinstance(one, int) for one in usual):
        # An expansion may be a fraction; a kernel that is one is refused by its block.
        return is_number(value, 0, LARGEST_FACTOR) and value > 0
    return is_number(value, 0, LARGEST_FACTOR)
