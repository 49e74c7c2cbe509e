"""The MobileNets and MnasNets, with the width rules of their released code."""

from __future__ import annotations

from dataclasses import dataclass, replace

from space.architecture import Stage
from space.blocks import (
    Block,
    Conv,
    Dense,
    DepthwiseSeparable,
    Drop,
    GlobalPool,
    MBConv,
    SqueezeExcite,
    round_channels,
)
from space.zoo.network import Parts, ZooNetwork


def _mobilenet_v1(width: float = 1.0) -> Parts:
    """Howard et al. 2017, table 1; the width multiplier α acts on every layer (§3.3)."""

    def channels(base: int) -> int:
        return round_channels(base * width)

    rows = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2))
    stages = tuple(
        Stage(
            (
                DepthwiseSeparable(channels(base), stride=stride),
                *(DepthwiseSeparable(channels(base)),) * (depth - 1),
            )
        )
        for base, depth, stride in rows
    )
    return Parts((Conv(channels(32), 3, 2),), stages, (GlobalPool(), Dense()))


def _repeat(block: MBConv, stride: int, depth: int) -> Stage:
    return Stage((replace(block, stride=stride), *(block,) * (depth - 1)))


def _mobilenet_v2(width: float = 1.0) -> Parts:
    """Sandler et al. 2018, table 2; the last convolution never gets narrower than published."""
    rows = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    stages = tuple(
        _repeat(MBConv(round_channels(c * width), expansion=t), stride, depth) for t, c, depth, stride in rows
    )
    last = round_channels(1280 * max(1.0, width))
    return Parts(
        (Conv(round_channels(32 * width), 3, 2, activation="relu6"),),
        stages,
        (Conv(last, 1, activation="relu6"), GlobalPool(), Drop(0.2), Dense()),
    )


_V3_SE = SqueezeExcite(0.25, of="gated", divisor=8, gate="hard_sigmoid")


@dataclass(frozen=True, slots=True)
class _V3Row:
    """One line of Howard et al. 2019, tables 1 and 2, repeated ``depth`` times, the first at ``stride``."""

    kernel: int
    expansion: float
    channels: int
    se: bool
    activation: str
    stride: int = 1
    depth: int = 1

    def blocks(self, width: float) -> tuple[Block, ...]:
        block = MBConv(
            round_channels(self.channels * width),
            self.kernel,
            self.expansion,
            squeeze_excite=_V3_SE if self.se else None,
            activation=self.activation,
            hidden_divisor=8,
        )
        return (replace(block, stride=self.stride), *(block,) * (self.depth - 1))


def _mobilenet_v3(stages: tuple[tuple[_V3Row, ...], ...], last: int, features: int, width: float) -> Parts:
    """The hidden linear layer never gets narrower than published, as in the released networks."""
    head = (
        Conv(round_channels(last * width), 1, activation="hard_swish"),
        GlobalPool(),
        Dense(round_channels(features * max(1.0, width)), "hard_swish"),
        Drop(0.2),
        Dense(),
    )
    return Parts(
        (Conv(round_channels(16 * width), 3, 2, activation="hard_swish"),),
        tuple(Stage(tuple(block for row in rows for block in row.blocks(width))) for rows in stages),
        head,
    )


def _mobilenet_v3_large(width: float = 1.0) -> Parts:
    re, hs = "relu", "hard_swish"
    return _mobilenet_v3(
        (
            (_V3Row(3, 1, 16, False, re),),
            (_V3Row(3, 4, 24, False, re, 2), _V3Row(3, 3, 24, False, re)),
            (_V3Row(5, 3, 40, True, re, 2, 3),),
            (
                _V3Row(3, 6, 80, False, hs, 2),
                _V3Row(3, 2.5, 80, False, hs),
                _V3Row(3, 2.3, 80, False, hs, depth=2),
            ),
            (_V3Row(3, 6, 112, True, hs, depth=2),),
            (_V3Row(5, 6, 160, True, hs, 2, 3),),
        ),
        last=960,
        features=1280,
        width=width,
    )


def _mobilenet_v3_small(width: float = 1.0) -> Parts:
    re, hs = "relu", "hard_swish"
    return _mobilenet_v3(
        (
            (_V3Row(3, 1, 16, True, re, 2),),
            (_V3Row(3, 4.5, 24, False, re, 2), _V3Row(3, 3.67, 24, False, re)),
            (_V3Row(5, 4, 40, True, hs, 2), _V3Row(5, 6, 40, True, hs, depth=2)),
            (_V3Row(5, 3, 48, True, hs, depth=2),),
            (_V3Row(5, 6, 96, True, hs, 2, 3),),
        ),
        last=576,
        features=1024,
        width=width,
    )


def _mnasnet(rows: tuple[tuple[int, int, int, float, int, int], ...], width: float) -> Parts:
    """Rows of (kernel, expansion, channels, SE ratio, stride, depth), and a fixed head of 1280."""

    def stage(kernel: int, expansion: int, channels: int, ratio: float, stride: int, depth: int) -> Stage:
        # The first stage, a depthwise separable convolution, has no room for a skip.
        se = SqueezeExcite(ratio) if ratio else None
        block = MBConv(
            round_channels(channels * width),
            kernel,
            expansion,
            squeeze_excite=se,
            skip=expansion != 1,
            activation="relu",
        )
        return _repeat(block, stride, depth)

    return Parts(
        (Conv(round_channels(32 * width), 3, 2),),
        tuple(stage(*row) for row in rows),
        (Conv(1280, 1), GlobalPool(), Drop(0.2), Dense()),
    )


def _mnasnet_a1(width: float = 1.0) -> Parts:
    rows = (
        (3, 1, 16, 0.0, 1, 1),
        (3, 6, 24, 0.0, 2, 2),
        (5, 3, 40, 0.25, 2, 3),
        (3, 6, 80, 0.0, 2, 4),
        (3, 6, 112, 0.25, 1, 2),
        (5, 6, 160, 0.25, 2, 3),
        (3, 6, 320, 0.0, 1, 1),
    )
    return _mnasnet(rows, width)


def _mnasnet_b1(width: float = 1.0) -> Parts:
    rows = (
        (3, 1, 16, 0.0, 1, 1),
        (3, 3, 24, 0.0, 2, 3),
        (5, 3, 40, 0.0, 2, 3),
        (5, 6, 80, 0.0, 2, 3),
        (3, 6, 96, 0.0, 1, 2),
        (5, 6, 192, 0.0, 2, 4),
        (3, 6, 320, 0.0, 1, 1),
    )
    return _mnasnet(rows, width)


NETWORKS = (
    ZooNetwork("mobilenet_v1", _mobilenet_v1, "Howard et al. 2017, arXiv:1704.04861"),
    ZooNetwork("mobilenet_v2", _mobilenet_v2, "Sandler et al. 2018, arXiv:1801.04381"),
    ZooNetwork("mobilenet_v3_large", _mobilenet_v3_large, "Howard et al. 2019, arXiv:1905.02244"),
    ZooNetwork("mobilenet_v3_small", _mobilenet_v3_small, "Howard et al. 2019, arXiv:1905.02244"),
    ZooNetwork("mnasnet_a1", _mnasnet_a1, "Tan et al. 2019, arXiv:1807.11626"),
    ZooNetwork("mnasnet_b1", _mnasnet_b1, "Tan et al. 2019, arXiv:1807.11626"),
)
