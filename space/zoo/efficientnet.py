"""EfficientNet B0 and everything grown from it, EfficientNet-Lite and EfficientNetV2-S."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from space.architecture import Architecture, Stage
from space.blocks import Block, Conv, Dense, Drop, FusedMBConv, GlobalPool, MBConv, SqueezeExcite
from space.rounding import LITE, RELEASED, Rounding
from space.scaling import scale
from space.zoo.network import Network, Parts

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
# The released coefficients: width, depth, resolution, dropout.
_RELEASED = {
    "b1": (1.0, 1.1, 240, 0.2),
    "b2": (1.1, 1.2, 260, 0.3),
    "b3": (1.2, 1.4, 300, 0.3),
    "b4": (1.4, 1.8, 380, 0.4),
    "b5": (1.6, 2.2, 456, 0.4),
    "b6": (1.8, 2.6, 528, 0.5),
    "b7": (2.0, 3.1, 600, 0.5),
    "b8": (2.2, 3.6, 672, 0.5),
    "l2": (4.3, 5.3, 800, 0.5),
}
_RELEASED_LITE = {
    "lite1": (1.0, 1.1, 240, 0.2),
    "lite2": (1.1, 1.2, 260, 0.3),
    "lite3": (1.2, 1.4, 280, 0.3),
    "lite4": (1.4, 1.8, 300, 0.3),
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


def _grown(
    base: Parts, coefficients: tuple[float, float, int, float], rounding: Rounding = RELEASED
) -> Parts:
    """``base`` scaled by (width, depth, resolution), and with its dropout changed."""
    width, depth, resolution, dropout = coefficients
    grown = scale(
        Architecture(*base, 224, 1000), width=width, depth=depth, resolution=resolution, rounding=rounding
    )
    head = tuple(Drop(dropout) if isinstance(block, Drop) else block for block in grown.head)
    return Parts(grown.stem, grown.stages, head)


def _scaled(coefficients: tuple[float, float, int, float]) -> Parts:
    return _grown(_b0(), coefficients)


def _lite(coefficients: tuple[float, float, int, float] = (1.0, 1.0, 224, 0.2)) -> Parts:
    """No squeeze-and-excitation, ReLU6; stem, head and the depth of the first and last stage stay fixed."""
    return _grown(_b0("relu6", squeeze_excite=False), coefficients, LITE)


def _v2_s() -> Parts:
    """Tan & Le 2021, table 4: fused blocks in front, squeeze-and-excitation behind."""
    se = SqueezeExcite(0.25, activation="silu")
    rows: tuple[tuple[Block, int, int], ...] = (
        (FusedMBConv(24, 3, 1), 1, 2),
        (FusedMBConv(48, 3, 4), 2, 4),
        (FusedMBConv(64, 3, 4), 2, 4),
        (MBConv(128, 3, 4, squeeze_excite=se, activation="silu"), 2, 6),
        (MBConv(160, 3, 6, squeeze_excite=se, activation="silu"), 1, 9),
        (MBConv(256, 3, 6, squeeze_excite=se, activation="silu"), 2, 15),
    )
    stages = tuple(
        Stage((replace(block, stride=stride), *(block,) * (depth - 1)))  # type: ignore[call-arg]
        for block, stride, depth in rows
    )
    return Parts((Conv(24, 3, 2, activation="silu"),), stages, _head(1280, "silu", dropout=0.2))


_SOURCE = "Tan & Le 2019, arXiv:1905.11946"

NETWORKS = (
    Network("efficientnet_b0", _b0, _SOURCE),
    *(
        Network(f"efficientnet_{name}", partial(_scaled, row), _SOURCE, row[2])
        for name, row in _RELEASED.items()
    ),
    Network("efficientnet_lite0", _lite, "Liu 2020, the released EfficientNet-Lite code"),
    *(
        Network(
            f"efficientnet_{name}",
            partial(_lite, row),
            "Liu 2020, the released EfficientNet-Lite code",
            row[2],
        )
        for name, row in _RELEASED_LITE.items()
    ),
    Network("efficientnetv2_s", _v2_s, "Tan & Le 2021, arXiv:2104.00298", 384),
)
