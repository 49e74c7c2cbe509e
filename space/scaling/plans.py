"""A scaled network in whole numbers, and the network that such a plan describes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from space.architecture import Architecture, Stage
from space.errors import InputError
from space.limits import LARGEST_FACTOR, LARGEST_RESOLUTION, MOST_LAYERS
from space.rounding import RELEASED, Rounding
from space.scaling.depth import layers, repeatable_form, repeated
from space.scaling.width import Widening, channel_fields


@dataclass(frozen=True, slots=True)
class Plan:
    """A scaled network in whole numbers: layers per stage, a width factor per part, pixels.

    ``repeats[i]`` counts the layers of stage i; ``widths`` are the factors of the stem, each stage and the
    head, in that order (the channels follow by the rounding policy).
    """

    repeats: tuple[int, ...]
    widths: tuple[float, ...]
    resolution: int

    def fits_in(self, other: Plan) -> bool:
        """Whether ``other`` has as many layers in every stage, channels in every part and pixels, or more."""
        pairs = (*zip(self.repeats, other.repeats, strict=True), *zip(self.widths, other.widths, strict=True))
        return self.resolution <= other.resolution and all(mine <= others for mine, others in pairs)


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
    excess = beyond_limits(architecture, depth, width, pixels)
    if excess:
        raise InputError(f"scaled network: wanted {excess}")
    last = len(architecture.stages) - 1
    repeats = []
    for index, stage in enumerate(architecture.stages):
        fixed = rounding.ends == "fixed" and index in (0, last)
        count = layers(stage)
        repeats.append(count if fixed or not count else rounding.repeated(count, depth))
    stem = width if rounding.stem == "scaled" else 1.0
    head = {"scaled": width, "fixed": 1.0, "at least base": max(1.0, width)}[rounding.head]
    return Plan(tuple(repeats), (stem, *(width for _ in architecture.stages), head), pixels)


def beyond_limits(architecture: Architecture, depth: float, width: float, pixels: float) -> str:
    """Which of the limits (``space.limits``) the multipliers exceed, and by what; empty where they exceed none."""
    deep = sum(map(layers, architecture.stages)) * depth
    for number, most, unit in (
        (deep, MOST_LAYERS, "layers"),
        (width, LARGEST_FACTOR, "times the channels"),
        (pixels, LARGEST_RESOLUTION, "px"),
    ):
        if number > most:
            return f"at most {most} {unit}, got {number:.4g}"
    return ""


class Builder:
    """Makes the networks of plans, all grown from ``architecture``, faster than ``build`` would one by one."""

    def __init__(self, architecture: Architecture, rounding: Rounding = RELEASED) -> None:
        self._base = architecture
        self._widening = Widening(architecture, rounding)

    def __call__(self, plan: Plan) -> Architecture:
        """The network that ``plan`` describes; the architecture itself where nothing changes.

        Raises ShapeError where the resolution is too small for the network's strides.
        """
        base, parts = self._base, self._widening.parts
        if len(plan.widths) != len(parts) or len(plan.repeats) != len(base.stages):
            raise InputError.of("plan", f"one entry for each of {len(base.stages)} stages", plan)
        if any(width != 1 for width in plan.widths):
            parts = self._widening.at(plan.widths)
        stages = tuple(
            repeated(Stage(blocks), repeats)
            for blocks, repeats in zip(parts[1:-1], plan.repeats, strict=True)
        )
        scaled = (parts[0], stages, parts[-1], plan.resolution)
        if scaled == (base.stem, base.stages, base.head, base.resolution):
            return base
        stem, stages, head, resolution = scaled
        return base.replace(stem=stem, stages=stages, head=head, resolution=resolution)


def build(architecture: Architecture, plan: Plan, rounding: Rounding = RELEASED) -> Architecture:
    """The network that ``plan`` describes, grown from ``architecture``, as ``Builder`` makes it."""
    return Builder(architecture, rounding)(plan)


def wider(architecture: Architecture, plan: Plan, part: int, rounding: Rounding = RELEASED) -> Plan | None:
    """``plan`` with ``part`` (0 the stem, then the stages, last the head) one step of channels wider.

    None where the part holds no channels, or only such as the policy keeps fixed.
    """
    policy = {0: rounding.stem, len(architecture.stages) + 1: rounding.head}.get(part, "scaled")
    blocks = (architecture.stem, *(stage.blocks for stage in architecture.stages), architecture.head)[part]
    fields = list(channel_fields(blocks))
    if policy == "fixed" or not fields:
        return None
    factor = min(rounding.widening(base, plan.widths[part], groups) for base, groups in fields)
    return replace(plan, widths=(*plan.widths[:part], factor, *plan.widths[part + 1 :]))


def deeper(architecture: Architecture, plan: Plan, stage: int) -> Plan | None:
    """``plan`` with one more layer in ``stage``; None where the stage holds none that can be repeated."""
    if repeatable_form(architecture.stages[stage]) is None:
        return None
    repeats = list(plan.repeats)
    repeats[stage] += 1
    return replace(plan, repeats=tuple(repeats))
