"""What others published about scaling, beside EfficientNet: TinyNet, ResNet-RS and fast scaling, as networks with their figures.

``params`` and ``macs`` are in the digits in which they were published; MACs are multiply-accumulates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from space.architecture import Architecture, Stage
from space.blocks import Bottleneck, Conv, Dense, GlobalPool, SqueezeExcite
from space.rounding import RELEASED, TINYNET
from space.scaling import Plan, build, plan, scale
from space.scaling.rules import FAST, Rule
from space.zoo import architecture


@dataclass(frozen=True)
class Scaled:
    """A published network: its factors, the network built from them, and figures as published (None where not).

    ``depth`` is None where the paper gives repeats per stage. ``activations`` say how many times the base's
    activations the rule promises.
    """

    name: str
    depth: float | None
    width: float
    resolution: int
    make: Callable[[], Architecture]
    params: float | None = None
    macs: float | None = None
    activations: float | None = None


@dataclass(frozen=True)
class Paper:
    """A paper's scaled networks. ``tolerance`` is how far counts may be from figures that are rounded as these."""

    name: str
    source: str
    rule: str
    base: Callable[[], Architecture]
    networks: tuple[Scaled, ...]
    tolerance: float


def _b0() -> Architecture:
    return architecture("efficientnet_b0")


def _tinynet(name: str, width: float, depth: float, resolution: int, params: float, macs: float) -> Scaled:
    def make() -> Architecture:
        return scale(_b0(), depth=depth, width=width, resolution=resolution, rounding=TINYNET)

    return Scaled(f"tinynet_{name}", depth, width, resolution, make, params, macs)


TINYNETS = Paper(
    "tinynet",
    "Han et al. 2020, Model Rubik's Cube, arXiv:2010.14819 (factors, MACs); params as timm counts them",
    "EfficientNet-B0 made smaller: resolution and depth shrink less than width; repeats to the nearest, stem fixed, head never "
    "below the base's",
    _b0,
    tuple(
        _tinynet(*row)
        for row in (
            ("a", 1.0, 1.2, 192, 6.19e6, 339e6),
            ("b", 0.75, 1.1, 188, 3.73e6, 202e6),
            ("c", 0.54, 0.85, 184, 2.46e6, 100e6),
            ("d", 0.54, 0.695, 152, 2.34e6, 52e6),
            ("e", 0.51, 0.6, 106, 2.04e6, 24e6),
        )
    ),
    0.03,
)


def _rs50() -> Architecture:
    """ResNet-RS-50 at 224 px: the stem and the down-sampling of ResNet-D, squeeze-and-excitation of a quarter.

    ResNet-D pools in front of the shortcut's convolution, where this has a strided one: with as many parameters and MACs.
    """
    squeeze = SqueezeExcite(0.25, of="gated")
    stages = []
    for index, count in enumerate((3, 4, 6, 3)):
        block = Bottleneck(256 * 2**index, 64 * 2**index, squeeze_excite=squeeze)
        first = replace(block, stride=1 if index == 0 else 2)
        stages.append(Stage((first, *(block,) * (count - 1))))
    stem = (Conv(32, 3, 2), Conv(32, 3), Conv(64, 3), Conv(64, 3, 2))
    return Architecture(stem, tuple(stages), (GlobalPool(), Dense()), 224, 1000, name="resnet_rs_50")


def _resnet_rs(layers: int, repeats: tuple[int, ...], resolution: int, params: float, macs: float) -> Scaled:
    def make() -> Architecture:
        base = _rs50()
        return build(base, Plan(repeats, plan(base).widths, resolution), RELEASED)

    depth = sum(repeats) / 16
    return Scaled(f"resnet_rs_{layers} {resolution} px", depth, 1.0, resolution, make, params, macs)


RESNET_RS = Paper(
    "resnet-rs",
    "Bello et al. 2021, Revisiting ResNets, arXiv:2103.07579 (repeats); resolutions, params and MACs as timm lists them",
    "ResNet-RS-50 made deeper, and larger in resolution only slowly; never wider",
    _rs50,
    tuple(
        _resnet_rs(*row)
        for row in (
            (50, (3, 4, 6, 3), 160, 35.69e6, 2.29e9),
            (101, (3, 4, 23, 3), 192, 63.62e6, 6.04e9),
            (152, (3, 8, 36, 3), 256, 86.62e6, 15.59e9),
            (200, (3, 24, 36, 3), 256, 93.21e6, 20.18e9),
            (270, (4, 29, 53, 4), 256, 129.86e6, 27.06e9),
            (350, (4, 36, 72, 4), 288, 163.96e6, 43.67e9),
            (420, (4, 44, 87, 4), 320, 191.89e6, 64.2e9),
        )
    ),
    0.01,
)

_STRATEGIES: tuple[tuple[str, Rule], ...] = (
    ("depth", Rule("depth", 1.0, 0.0, 0.0)),
    ("width", Rule("width", 0.0, 0.5, 0.0)),
    ("resolution", Rule("resolution", 0.0, 0.0, 0.5)),
    ("all alike", Rule("all alike", 1 / 3, 1 / 6, 1 / 6)),
    ("fast", FAST),
)


def _strategy(name: str, rule: Rule, factor: float) -> Scaled:
    depth, width, resolution = rule.factors(factor)
    pixels = round(224 * resolution)

    def make() -> Architecture:
        return scale(_b0(), depth=depth, width=width, resolution=pixels)

    return Scaled(
        f"{name} ×{factor:g}", depth, width, pixels, make, activations=depth * width * resolution**2
    )


FAST_SCALING = Paper(
    "fast",
    "Dollár, Singh & Girshick 2021, Fast and Accurate Model Scaling, arXiv:2103.06877; EfficientNet-B0 as the base",
    "For s times the MACs: width by s^(α/2), depth by s^((1−α)/2), resolution by s^((1−α)/4) with α = 0.8, so that activations grow by "
    "s^0.6, near √s, and not by s as with depth or resolution alone; run time follows activations",
    _b0,
    tuple(_strategy(name, rule, factor) for factor in (4.0, 16.0) for name, rule in _STRATEGIES),
    0.0,
)

PAPERS: dict[str, Paper] = {paper.name: paper for paper in (FAST_SCALING, RESNET_RS, TINYNETS)}
"""The papers by name."""
