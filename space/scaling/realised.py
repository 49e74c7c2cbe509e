"""What a scaled network has really grown by, after rounding."""

from __future__ import annotations

from math import exp, log

from space.architecture import Architecture
from space.scaling.coefficients import Coefficients
from space.scaling.depth import layers, repeated

Triple = tuple[float, float, float]
"""Three numbers in the order of depth, width and resolution."""


def multipliers(base: Architecture, scaled: Architecture) -> Triple:
    """(depth, width, resolution) of ``scaled`` as multiples of ``base``, as they came out of rounding.

    Depth is the ratio of all layers, width the geometric mean of the stages' output channels' ratios, at the base's
    number of layers: dense stages put out more channels where they are deeper, without being wider.
    """
    counts, own = ([layers(stage) for stage in one.stages] for one in (scaled, base))
    level = scaled
    if counts != own:
        stages = tuple(repeated(stage, count) for stage, count in zip(scaled.stages, own, strict=True))
        level = scaled.replace(stages=stages)
    return sum(counts) / sum(own), width_multiplier(base, level), scaled.resolution / base.resolution


def width_multiplier(base: Architecture, scaled: Architecture) -> float:
    """The geometric mean of the ratios of the stages' output channels; for networks of equal depth."""
    pairs = list(zip(_stage_channels(scaled), _stage_channels(base), strict=True))
    return exp(sum(log(wide / narrow) for wide, narrow in pairs) / len(pairs)) if pairs else 1.0


def exponents(
    realised: Triple, coefficients: Coefficients
) -> tuple[float | None, float | None, float | None]:
    """(ln d / ln α, ln w / ln β, ln r / ln γ): the φ that each dimension reached; None where it does not scale."""
    rule = (coefficients.alpha, coefficients.beta, coefficients.gamma)
    depth, width, resolution = (
        log(factor) / log(base) if base > 1 else None for factor, base in zip(realised, rule, strict=True)
    )
    return depth, width, resolution


def _stage_channels(architecture: Architecture) -> list[int]:
    last: dict[str, int] = {}
    for path, _, segment in architecture.segments():
        if path.startswith("stages."):
            last[path.split(".")[1]] = segment.shape[0]
    return list(last.values())
