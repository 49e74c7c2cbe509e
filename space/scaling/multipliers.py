"""Scaling by multipliers, and by φ through the coefficients of compound scaling."""

from __future__ import annotations

from functools import lru_cache

from space.architecture import Architecture
from space.errors import InputError, ShapeError
from space.rounding import RELEASED, Rounding
from space.scaling.coefficients import PAPER, Coefficients
from space.scaling.plans import Plan, beyond_limits, build, plan


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
    """The plan of ``compound``. Raises InputError for a φ that gives a network beyond the limits."""
    depth, width, factor = coefficients.factors(phi)
    excess = beyond_limits(architecture, depth, width, architecture.resolution * factor)
    if excess or not min(depth, width, factor) > 0:
        raise InputError(f"phi {phi:g}: wanted {excess or 'factors that a float can hold, got 0'}")
    pixels = rounding.pixels(architecture.resolution, factor)
    if factor < 1:
        pixels = max(pixels, smallest_resolution(architecture, rounding))
    return plan(architecture, depth=depth, width=width, resolution=pixels, rounding=rounding)


@lru_cache(maxsize=1024)
def smallest_resolution(architecture: Architecture, rounding: Rounding = RELEASED) -> int:
    """The fewest pixels (a multiple of the policy's, or the network's own) at which the network can be trained."""
    multiple = rounding.resolution_multiple

    def fits(steps: int) -> bool:
        try:
            return not architecture.replace(resolution=steps * multiple).training_misfit
        except ShapeError:
            return False

    low, high = 0, max(1, architecture.resolution // multiple)
    if not fits(high):
        return architecture.resolution
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high * multiple
