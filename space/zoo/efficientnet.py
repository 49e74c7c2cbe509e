"""EfficientNet B0 and everything grown from it, EfficientNet-Lite and EfficientNetV2-S."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from space.architecture import Architecture, Stage
from space.blocks import Block, Conv, Dense, Drop, FusedMBConv, GlobalPool, MBConv, SqueezeExcite
from space.efficientnet_figures import LITE_NETWORKS, RELEASED_NETWORKS, Published
from space.rounding import LITE, RELEASED, Rounding
from space.scaling import scale
from space.zoo.network import Parts, ZooNetwork

# Tan & Le 2019, table 1: (kernel, expansion, channels, stride, depth).
_B0 = (
    (3, 1, 16, 1, 1),
    (3, 6, 24, 2, 2),
    (5, 6, 40, 2, 2),
    (3, 6, 80, 2, 3),
    (5, 6, 112, 1, 3),
    (5, 6, 192, 2, 4),
    (3, 6, 320, 1, 1),
)
# Dropout in front of the classifier, where it is not B0's 0.2.
_DROPOUT = {
    **dict.fromkeys(("b2", "b3", "lite2", "lite3", "lite4"), 0.3),
    **dict.fromkeys(("b4", "b5"), 0.4),
    **dict.fromkeys(("b6", "b7", "b8", "l2"), 0.5),
}


def _b0(activation: str = "silu", squeeze_excite: bool = True) -> Parts:
    se = SqueezeExcite(0.25, activation=activation) if squeeze_excite else None
    stages = []
    for kernel, expansion, channels, stride, depth in _B0:
        block = MBConv(channels, kernel, expansion, squeeze_excite=se, activation=activation)
        stages.append(Stage((replace(block, stride=stride), *(block,) * (depth - 1))))
    return Parts(
        (Conv(32, 3, 2, activation=activation),), tuple(stages), _head(1280, activation, dropout=0.2)
    )


def _head(channels: int, activation: str, dropout: float) -> tuple[Block, ...]:
    return (Conv(channels, 1, activation=activation), GlobalPool(), Drop(dropout), Dense())


def _grown(base: Parts, to: Published, rounding: Rounding) -> Parts:
    """``base`` scaled by the released coefficients of ``to``, with its dropout."""
    grown = scale(
        Architecture(*base, 224, 1000),
        width=to.width,
        depth=to.depth,
        resolution=to.resolution,
        rounding=rounding,
    )
    dropout = Drop(_DROPOUT.get(to.name.removeprefix("efficientnet_"), 0.2))
    head = tuple(dropout if isinstance(block, Drop) else block for block in grown.head)
    return Parts(grown.stem, grown.stages, head)


def _efficientnet(to: Published) -> Parts:
    return _grown(_b0(), to, RELEASED)


def _lite(to: Published) -> Parts:
    """No squeeze-and-excitation, ReLU6; stem, head and the depth of the first and last stage stay fixed."""
    return _grown(_b0("relu6", squeeze_excite=False), to, LITE)


def _v2_s() -> Parts:
    """Tan & Le 2021, table 4: fused blocks in front, squeeze-and-excitation behind."""
    se = SqueezeExcite(0.25, activation="silu")
    rows: tuple[tuple[MBConv | FusedMBConv, int, int], ...] = (
        (FusedMBConv(24, 3, 1), 1, 2),
        (FusedMBConv(48, 3, 4), 2, 4),
        (FusedMBConv(64, 3, 4), 2, 4),
        (MBConv(128, 3, 4, squeeze_excite=se, activation="silu"), 2, 6),
        (MBConv(160, 3, 6, squeeze_excite=se, activation="silu"), 1, 9),
        (MBConv(256, 3, 6, squeeze_excite=se, activation="silu"), 2, 15),
    )
    stages = tuple(
        Stage((replace(block, stride=stride), *(block,) * (depth - 1))) for block, stride, depth in rows
    )
    return Parts((Conv(24, 3, 2, activation="silu"),), stages, _head(1280, "silu", dropout=0.2))


_SOURCE = "Tan & Le 2019, arXiv:1905.11946"
_LITE_SOURCE = "Liu 2020, the released EfficientNet-Lite code"

NETWORKS = (
    *(ZooNetwork(to.name, partial(_efficientnet, to), _SOURCE, to.resolution) for to in RELEASED_NETWORKS),
    *(ZooNetwork(to.name, partial(_lite, to), _LITE_SOURCE, to.resolution) for to in LITE_NETWORKS),
    ZooNetwork("efficientnetv2_s", _v2_s, "Tan & Le 2021, arXiv:2104.00298", 384),
)
