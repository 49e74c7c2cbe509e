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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd, isfinite, log

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
    Parallel,
)
from space.errors import InputError, ShapeError
from space.graph import pair
from space.operations import Shape
from space.rounding import RELEASED, Rounding
from space.segment import lower_block

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
            if (
                not isinstance(value, (int, float))
                or isinstance(value, bool)
                or not isfinite(value)
                or value < 1
            ):
                raise InputError.of(name, "a coefficient of 1 or more", value)
        if self.growth == 1:
            raise InputError.of(
                "alpha, beta, gamma", "at least one above 1", (self.alpha, self.beta, self.gamma)
            )

    @property
    def growth(self) -> float:
        """α·β²·γ²: what one step of φ multiplies the MACs of ordinary convolutions by, before rounding."""
        return self.alpha * self.beta**2 * self.gamma**2

    def normalized(self, growth: float = 2.0) -> Coefficients:
        """The same direction with α·β²·γ² equal to ``growth``."""
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
        count = layers(stage)
        repeats.append(count if fixed or not count else rounding.repeated(count, depth))
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
    """``architecture`` with ``depth`` times the layers, ``width`` times the channels, ``resolution`` pixels.

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
    return build(
        architecture, compound_plan(architecture, phi, Coefficients(alpha, beta, gamma), rounding), rounding
    )


def compound_plan(
    architecture: Architecture, phi: float, coefficients: Coefficients = PAPER, rounding: Rounding = RELEASED
) -> Plan:
    """The plan of ``compound``."""
    depth, width, factor = coefficients.factors(phi)
    pixels = rounding.pixels(architecture.resolution, factor)
    if factor < 1:
        pixels = max(pixels, smallest_resolution(architecture, rounding))
    return plan(architecture, depth=depth, width=width, resolution=pixels, rounding=rounding)


@lru_cache(maxsize=1024)
def smallest_resolution(architecture: Architecture, rounding: Rounding = RELEASED) -> int:
    """The fewest pixels (a multiple of the policy's, or the network's own) that the strides allow."""
    multiple = rounding.resolution_multiple

    def fits(steps: int) -> bool:
        try:
            architecture.replace(resolution=steps * multiple)
        except ShapeError:
            return False
        return True

    low, high = 0, max(1, architecture.resolution // multiple)
    if not fits(high):
        return architecture.resolution
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high * multiple


def wider(architecture: Architecture, plan: Plan, part: int, rounding: Rounding = RELEASED) -> Plan | None:
    """``plan`` with ``part`` (0 the stem, then the stages, last the head) one step of channels wider.

    None where the part holds no channels, or only such as the policy keeps fixed.
    """
    policy = {0: rounding.stem, len(architecture.stages) + 1: rounding.head}.get(part, "scaled")
    blocks = (architecture.stem, *(stage.blocks for stage in architecture.stages), architecture.head)[part]
    fields = list(_channel_fields(blocks))
    if policy == "fixed" or not fields:
        return None
    factor = min(rounding.widening(base, plan.widths[part], groups) for base, groups in fields)
    return replace(plan, widths=(*plan.widths[:part], factor, *plan.widths[part + 1 :]))


def deeper(architecture: Architecture, plan: Plan, stage: int) -> Plan | None:
    """``plan`` with one more layer in ``stage``; None where the stage holds none that can be repeated."""
    if _repeatable_form(architecture.stages[stage]) is None:
        return None
    repeats = list(plan.repeats)
    repeats[stage] += 1
    return replace(plan, repeats=tuple(repeats))


def layers(stage: Stage) -> int:
    """How many of the stage's blocks count as layers; pools, transitions and side heads do not."""
    return sum(isinstance(block, _LAYERS) for block in stage.blocks)


def _stride_one(block: Block) -> Block:
    """``block`` as it would stand behind itself: without its stride."""
    if isinstance(block, Conv):
        return replace(block, stride=1, padding=None)
    if isinstance(block, (MBConv, FusedMBConv, DepthwiseSeparable, Basic, Bottleneck)):
        return replace(block, stride=1)
    return block


def _repeatable(block: Block) -> bool:
    """Whether ``block`` can stand behind itself: a map of its own output's shape goes in and comes out."""
    if isinstance(block, Conv):
        odd = all(size % 2 for size in pair(block.kernel))
        return block.stride == 1 and odd and block.padding is None and block.out_channels % block.groups == 0
    if isinstance(block, Parallel):
        return all(_keeps_size(inner) for branch in block.branches for inner in branch)
    return isinstance(block, _LAYERS) and getattr(block, "stride", 1) == 1


def _keeps_size(block: Block) -> bool:
    """Whether ``block``, in a branch, keeps the map's size whatever number of channels comes in."""
    if isinstance(block, Conv) and block.groups > 1:
        return False
    try:
        return lower_block(block, (8, 64, 64), 1).shape[1:] == (64, 64)
    except ShapeError:
        return False


def _repeatable_form(stage: Stage) -> Block | None:
    """What one more layer of ``stage`` would be: its last repeatable layer, or the last without stride."""
    found = [block for block in stage.blocks if isinstance(block, _LAYERS)]
    for block in reversed(found):
        if _repeatable(block):
            return block
    for block in reversed(found):
        if _repeatable(_stride_one(block)):
            return _stride_one(block)
    return None


def _repeated(stage: Stage, repeats: int) -> Stage:
    """``stage`` with ``repeats`` layers in all.

    Copies come from the layers of stride 1, as evenly as they go and from the back, so that a stage of
    unlike layers keeps their order and their mix. Layers that change the map's size are never dropped.
    """
    if repeats == layers(stage):
        return stage
    movable = [i for i, block in enumerate(stage.blocks) if isinstance(block, _LAYERS) and _repeatable(block)]
    fixed = layers(stage) - len(movable)
    blocks = list(stage.blocks)
    if not movable:
        form = _repeatable_form(stage)
        if form is None or repeats < fixed:
            return stage
        after = max(
            i for i, block in enumerate(blocks) if isinstance(block, _LAYERS) and _stride_one(block) == form
        )
        return Stage((*blocks[: after + 1], *[form] * (repeats - fixed), *blocks[after + 1 :]))
    copies = max(repeats - fixed, 0 if fixed else 1)
    each, more = divmod(copies, len(movable))
    counts = {index: each + (rank >= len(movable) - more) for rank, index in enumerate(movable)}
    return Stage(tuple(block for i, block in enumerate(blocks) for _ in range(counts.get(i, 1))))


def _channel_fields(blocks: tuple[Block, ...]) -> Iterator[tuple[int, int]]:
    """(channels, groups that must divide them) of every field in ``blocks`` that width scales."""
    for block in blocks:
        if isinstance(block, Parallel):
            for branch in block.branches:
                yield from _channel_fields(branch)
        for name in _WIDTHS.get(type(block), ()):
            value = getattr(block, name)
            if value is not None:
                yield value, _groups_of(block, name)


def _groups_of(block: Block, name: str) -> int:
    """The number of groups that the scaled ``name`` of ``block`` must stay divisible by."""
    if isinstance(block, Bottleneck) and name == "width" and block.groups < block.width:
        return block.groups
    if isinstance(block, Conv) and block.groups < block.out_channels:
        return block.groups
    return 1


def _widened(
    architecture: Architecture,
    parts: tuple[tuple[Block, ...], ...],
    widths: tuple[float, ...],
    rounding: Rounding,
) -> tuple[tuple[Block, ...], ...]:
    """The parts with every channel field scaled by its part's factor."""
    shapes: _Shapes | None = None
    if any(_has_groups(blocks) for blocks in parts):
        size = architecture.resolution
        shape = (architecture.in_channels, size, size)
        shapes = _Shapes(shape, shape, architecture.classes)
    return tuple(
        _widened_chain(blocks, width, rounding, shapes) for blocks, width in zip(parts, widths, strict=True)
    )


@dataclass(slots=True)
class _Shapes:
    """The shapes in front of a block in the old and in the widened network; only grouped Convs need them."""

    old: Shape
    new: Shape
    classes: int

    def step(self, old: Block, new: Block) -> None:
        self.old = lower_block(old, self.old, self.classes).shape
        self.new = lower_block(new, self.new, self.classes).shape

    def copy(self) -> _Shapes:
        return _Shapes(self.old, self.new, self.classes)


def _has_groups(blocks: tuple[Block, ...]) -> bool:
    return any(
        (isinstance(block, Conv) and block.groups > 1)
        or (isinstance(block, Parallel) and any(map(_has_groups, block.branches)))
        or (isinstance(block, Auxiliary) and _has_groups(block.blocks))
        for block in blocks
    )


def _widened_chain(
    blocks: tuple[Block, ...], factor: float, rounding: Rounding, shapes: _Shapes | None
) -> tuple[Block, ...]:
    result = []
    for block in blocks:
        new = _widened_block(block, factor, rounding, shapes)
        if shapes is not None:
            shapes.step(block, new)
        result.append(new)
    return tuple(result)


def _widened_block(block: Block, factor: float, rounding: Rounding, shapes: _Shapes | None) -> Block:
    if isinstance(block, Parallel):
        branches = (
            _widened_chain(branch, factor, rounding, shapes and shapes.copy()) for branch in block.branches
        )
        return replace(block, branches=tuple(branches))
    if isinstance(block, Auxiliary):
        return replace(block, blocks=_widened_chain(block.blocks, factor, rounding, shapes and shapes.copy()))
    if isinstance(block, Conv) and block.groups > 1 and shapes is not None:
        return _widened_grouped_conv(block, factor, rounding, shapes)
    changes = {
        name: rounding.channels(getattr(block, name), factor, _groups_of(block, name))
        for name in _WIDTHS.get(type(block), ())
        if getattr(block, name) is not None
    }
    if isinstance(block, Bottleneck) and block.groups == block.width:
        changes["groups"] = changes["width"]  # a depthwise 3x3 stays depthwise
    return replace(block, **changes) if changes else block


def _widened_grouped_conv(block: Conv, factor: float, rounding: Rounding, shapes: _Shapes) -> Conv:
    """A depthwise convolution stays depthwise; other groups stay in number where they still divide."""
    before, after = shapes.old[0], shapes.new[0]
    if block.groups == before:
        return replace(block, out_channels=after * (block.out_channels // before), groups=after)
    out_channels = rounding.channels(block.out_channels, factor, block.groups)
    common = gcd(after, out_channels)
    groups = max(g for g in range(1, min(block.groups, common) + 1) if common % g == 0)
    return replace(block, out_channels=out_channels, groups=groups)
