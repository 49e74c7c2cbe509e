"""Scaling a network by depth, width and resolution (Tan & Le 2019), as arithmetic on values.

Scaling has two steps. ``plan`` turns three multipliers into whole numbers for one network: repeats per
stage, a width factor per part (stem, each stage, head), pixels. ``build`` makes the network of a plan.
``scale`` does both; ``compound`` takes the multipliers from φ. Between the two steps a plan may be
changed by hand, one repeat or one channel step at a time: that is how a family uses up its budgets
(``space.family``).

It works on any network made of ``space.blocks``: width acts on every field that holds channels
(``_WIDTHS``), depth on every layer that a stage can hold once more (``_repeatable``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd, isfinite, prod

from space.architecture import Architecture, Stage
from space.blocks import (
    Auxiliary,
    Basic,
    Block,
    Bottleneck,
    Conv,
    Dense,
    DenseLayer,
    DepthwiseSeparable,
    FusedMBConv,
    Inception,
    MBConv,
    NormAct,
    Activate,
    Parallel,
    Pool,
    lower_chain,
)
from space.errors import InputError, ShapeError
from space.graph import GraphBuilder, Shape, pair
from space.lowering import lower_block
from space.rounding import RELEASED, Rounding

# The fields of each block that hold channels, and so grow with the width.
_WIDTHS: dict[type[Block], tuple[str, ...]] = {
    Conv: ("out_channels",),
    MBConv: ("out_channels",),
    FusedMBConv: ("out_channels",),
    DepthwiseSeparable: ("out_channels",),
    Basic: ("out_channels",),
    Bottleneck: ("out_channels", "width"),
    Inception: ("conv1", "reduce3", "conv3", "reduce5", "conv5", "pool"),
    DenseLayer: ("growth",),
    Dense: ("features",),
}

# Blocks that count as layers of a stage; pools, transitions and side heads do not.
_LAYERS = (Conv, MBConv, FusedMBConv, DepthwiseSeparable, Basic, Bottleneck, Inception, DenseLayer, Parallel)


@dataclass(frozen=True, slots=True)
class Coefficients:
    """α, β, γ: what depth, width and resolution are multiplied by at φ = 1 (Tan & Le 2019, eq. 3).

    Raises InputError for a coefficient below 1: a larger φ would then shrink that dimension.
    """

    alpha: float = 1.2
    beta: float = 1.1
    gamma: float = 1.15

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "gamma"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value) or value < 1:
                raise InputError.of(name, "a coefficient of 1 or more", value)
        if self.growth == 1:
            raise InputError.of("alpha, beta, gamma", "at least one above 1", (self.alpha, self.beta, self.gamma))

    @property
    def growth(self) -> float:
        """α·β²·γ²: what one step of φ multiplies the MACs of ordinary convolutions by, before rounding."""
        return self.alpha * self.beta**2 * self.gamma**2

    def normalized(self, growth: float = 2.0) -> Coefficients:
        """The same direction with α·β²·γ² equal to ``growth``."""
        from math import log

        power = log(growth) / log(self.growth)
        return Coefficients(self.alpha**power, self.beta**power, self.gamma**power)

    def factors(self, phi: float) -> tuple[float, float, float]:
        """(depth, width, resolution) multipliers at ``phi``, before rounding: α^φ, β^φ, γ^φ."""
        if not isinstance(phi, (int, float)) or isinstance(phi, bool) or not isfinite(phi):
            raise InputError.of("phi", "a finite number", phi)
        return self.alpha**phi, self.beta**phi, self.gamma**phi


PAPER = Coefficients(1.2, 1.1, 1.15)
"""The coefficients that Tan & Le 2019 found for EfficientNet-B0."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A scaled network in whole numbers: layers per stage, a width factor per part, pixels.

    ``repeats[i]`` counts the layers of stage i; ``widths`` are the factors of the stem, each stage and the
    head, in that order (the channels follow by the rounding policy).
    """

    repeats: tuple[int, ...]
    widths: tuple[float, ...]
    resolution: int


def plan(
    architecture: Architecture,
    *,
    depth: float = 1.0,
    width: float = 1.0,
    resolution: int | None = None,
    rounding: Rounding = RELEASED,
) -> Plan:
    """The plan of ``architecture`` at these multipliers; ``resolution`` in pixels, None as it is."""
    for argument, value in (("depth", depth), ("width", width)):
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise InputError.of(argument, "a positive multiplier", value)
    pixels = architecture.resolution if resolution is None else resolution
    if not isinstance(pixels, int) or isinstance(pixels, bool) or pixels < 1:
        raise InputError.of("resolution", "pixels, a positive whole number", pixels)
    last = len(architecture.stages) - 1
    repeats = []
    for index, stage in enumerate(architecture.stages):
        fixed = rounding.ends == "fixed" and index in (0, last)
        layers = _layers(stage)
        repeats.append(layers if fixed or not layers else rounding.repeated(layers, depth))
    stem = width if rounding.stem == "scaled" else 1.0
    head = {"scaled": width, "fixed": 1.0, "at least base": max(1.0, width)}[rounding.head]
    return Plan(tuple(repeats), (stem, *(width for _ in architecture.stages), head), pixels)


def build(architecture: Architecture, plan: Plan, rounding: Rounding = RELEASED) -> Architecture:
    """The network that ``plan`` describes, grown from ``architecture``; itself where nothing changes.

    Raises ShapeError where the resolution is too small for the network's strides.
    """
    parts = (architecture.stem, *(stage.blocks for stage in architecture.stages), architecture.head)
    if len(plan.widths) != len(parts) or len(plan.repeats) != len(architecture.stages):
        raise InputError.of("plan", f"one entry for each of {len(architecture.stages)} stages", plan)
    if any(width != 1 for width in plan.widths):
        parts = _widened(architecture, parts, plan.widths, rounding)
    stages = tuple(
        _repeated(Stage(blocks), repeats) for blocks, repeats in zip(parts[1:-1], plan.repeats, strict=True)
    )
    scaled = (parts[0], stages, parts[-1], plan.resolution)
    if scaled == (architecture.stem, architecture.stages, architecture.head, architecture.resolution):
        return architecture
    stem, stages, head, resolution = scaled
    return architecture.replace(stem=stem, stages=stages, head=head, resolution=resolution)


def scale(
    architecture: Architecture,
    *,
    depth: float = 1.0,
    width: float = 1.0,
    resolution: int | None = None,
    rounding: Rounding = RELEASED,
) -> Architecture:
    """``architecture`` with ``depth`` times the layers and ``width`` times the channels, at ``resolution`` pixels.

    Multipliers of 1 and no resolution give the architecture itself. The squeeze widths of
    squeeze-and-excitation follow the channels of the block's input, as in the released code.
    """
    target = plan(architecture, depth=depth, width=width, resolution=resolution, rounding=rounding)
    return build(architecture, target, rounding)


def compound(
    architecture: Architecture,
    phi: float,
    alpha: float = 1.2,
    beta: float = 1.1,
    gamma: float = 1.15,
    *,
    rounding: Rounding = RELEASED,
) -> Architecture:
    """``architecture`` scaled by α^φ in depth, β^φ in width and γ^φ in resolution (Tan & Le 2019, eq. 3).

    φ = 0 gives the architecture itself, a negative φ a smaller network; there the resolution stops at the
    smallest that the network's strides allow.
    """
    return build(architecture, compound_plan(architecture, phi, Coefficients(alpha, beta, gamma), rounding), rounding)


def compound_plan(
    architecture: Architecture, phi: float, coefficients: Coefficients = PAPER, rounding: Rounding = RELEASED
) -> Plan:
    """The plan of ``compound``."""
    depth, width, factor = coefficients.factors(phi)
    pixels = rounding.pixels(architecture.resolution, factor)
    if factor < 1:
        pixels = max(pixels, smallest_resolution(architecture, rounding))
    return plan(architecture, depth=depth, width=width, resolution=pixels, rounding=rounding)
