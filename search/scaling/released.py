"""The released EfficientNets against the formula, and the reverse: which rules explain them.

A rule (α, β, γ) explains a network where one φ brings α^φ, β^φ and γ^φ·224 within the tolerances of its
released depth, width and resolution. With the unknowns log α, log β, log γ that is linear: the three
intervals of φ must meet pairwise (Helly's theorem on a line). So all rules that explain a set of networks
form a polyhedral cone, whose extent comes from linear programs, not from a grid. A cone leaves the rule's length
open: (α, β, γ) with φ and (α^t, β^t, γ^t) with φ/t are the same rule. So rules are compared at one growth
α·β²·γ², by default the paper's 1.920.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from space.architecture import Architecture
from space.cost import costs
from space.efficientnet_figures import Published
from space.errors import InputError
from space.rounding import LITE, RELEASED, Rounding
from space.scaling import PAPER, Coefficients, compound, scale

BASE_RESOLUTION = 224


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a coefficient may be from the released one: multipliers for depth and width, pixels."""

    depth: float = 0.05
    width: float = 0.05
    pixels: float = 8.0

    def __post_init__(self) -> None:
        for name in ("depth", "width", "pixels"):
            if not 0 < getattr(self, name) < inf:
                raise InputError.of(f"{name}_tolerance", "a positive number", getattr(self, name))

    def times(self, factor: float) -> Tolerance:
        return Tolerance(self.depth * factor, self.width * factor, self.pixels * factor)

    def __str__(self) -> str:
        return f"±{self.depth:g} in depth, ±{self.width:g} in width, ±{self.pixels:g} px"


def comparison(
    base: Architecture,
    networks: Sequence[Published],
    coefficients: Coefficients = PAPER,
    tolerance: Tolerance | None = None,
    rounding: Rounding = RELEASED,
) -> list[dict[str, Any]]:
    """A row for each network: paper, released (by scaling ``base``) and the formula at its best φ.

    ``*_off`` are relative deviations: of the counted from the printed figure, and of the formula's MACs and
    params from the released. ``fits`` says whether some φ explains the released coefficients.
    """
    tolerance = tolerance or Tolerance()
    rows = []
    for network in networks:
        policy = LITE if "lite" in network.name else rounding
        counted = costs(released(base, network, policy))
        phi = best_phi(network, coefficients, tolerance)
        formula = costs(
            compound(base, phi, coefficients.alpha, coefficients.beta, coefficients.gamma, rounding=policy)
        )
        depth, width, factor = coefficients.factors(phi)
        interval = phi_interval(network, coefficients, tolerance)
        by_depth, by_width, by_resolution = implied_phis(network, coefficients)
        rows.append(
            {
                "name": network.name,
                "depth": network.depth,
                "width": network.width,
                "resolution": network.resolution,
                "paper_params": network.paper_params,
                "params": counted.params,
                "params_off": _off(counted.params, network.paper_params),
                "paper_macs": network.paper_macs,
                "macs": counted.macs,
                "macs_off": _off(counted.macs, network.paper_macs),
                "rounds_to_print": network.rounds_to_print,
                "phi_depth": by_depth,
                "phi_width": by_width,
                "phi_resolution": by_resolution,
                "phi": phi,
                "fits": interval is not None,
                "phi_low": interval and interval[0],
                "phi_high": interval and interval[1],
                "formula_depth": depth,
                "formula_width": width,
                "formula_resolution": policy.pixels(base.resolution, factor),
                "formula_params": formula.params,
                "formula_params_off": formula.params / counted.params - 1,
                "formula_macs": formula.macs,
                "formula_macs_off": formula.macs / counted.macs - 1,
                "golden": counted.params == network.params and counted.macs == network.macs,
                "rounding": policy.name,
            }
        )
    return rows


def released(base: Architecture, network: Published, rounding: Rounding) -> Architecture:
    """The released network, by scaling the base."""
    return scale(
        base,
        depth=network.depth,
        width=network.width,
        resolution=network.resolution,
        rounding=rounding,
    )


def _off(counted: int, printed: float | None) -> float | None:
    return None if printed is None else counted / printed - 1


def implied_phis(network: Published, coefficients: Coefficients) -> tuple[float, float, float]:
    """The φ that depth, width and resolution alone would need."""
    values = (network.depth, network.width, network.resolution / BASE_RESOLUTION)
    rule = (coefficients.alpha, coefficients.beta, coefficients.gamma)
    depth, width, resolution = (log(v) / log(c) if c > 1 else 0.0 for v, c in zip(values, rule, strict=True))
    return depth, width, resolution


_NEXT_TO_NOTHING = 1e-9
"""A factor from below which a tolerance as large as the multiplier itself begins."""


def _bounds(network: Published, tolerance: Tolerance) -> tuple[tuple[float, float], ...]:
    """Intervals of log depth, log width and log resolution factor that count as the released ones."""
    values = (network.depth, network.width, network.resolution / BASE_RESOLUTION)
    around = (tolerance.depth, tolerance.width, tolerance.pixels / BASE_RESOLUTION)
    return tuple((log(max(v - t, _NEXT_TO_NOTHING)), log(v + t)) for v, t in zip(values, around, strict=True))


def phi_interval(
    network: Published, coefficients: Coefficients, tolerance: Tolerance
) -> tuple[float, float] | None:
    """The φ at which the rule is within the tolerances in all three dimensions; None where there is none."""
    low, high = -inf, inf
    rule = (coefficients.alpha, coefficients.beta, coefficients.gamma)
    for (least, most), coefficient in zip(_bounds(network, tolerance), rule, strict=True):
        step = log(coefficient)
        if step == 0:
            if not least <= 0 <= most:
                return None
            continue
        low, high = max(low, least / step), min(high, most / step)
    return (low, high) if low <= high else None


def best_phi(network: Published, coefficients: Coefficients, tolerance: Tolerance) -> float:
    """The φ with the smallest largest deviation, in units of the tolerances; 0 for the base."""
    if (network.depth, network.width, network.resolution) == (1.0, 1.0, BASE_RESOLUTION):
        return 0.0

    def worst(phi: float) -> float:
        depth, width, factor = coefficients.factors(phi)
        return max(
            abs(depth - network.depth) / tolerance.depth,
            abs(width - network.width) / tolerance.width,
            abs(BASE_RESOLUTION * factor - network.resolution) / tolerance.pixels,
        )

    phis = implied_phis(network, coefficients)
    low, high = min(phis), max(phis)
    steps = 4000
    return round(float(min((low + (high - low) * i / steps for i in range(steps + 1)), key=worst)), 3)


@dataclass(frozen=True, slots=True)
class Region:
    """All rules of one growth that explain the networks: least and greatest α, β, γ, and one in the middle."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    middle: tuple[float, float, float]

    @property
    def coefficients(self) -> Coefficients:
        return Coefficients(*self.middle)


def region(
    networks: Sequence[Published], tolerance: Tolerance, growth: float = PAPER.growth
) -> Region | None:
    """The rules with α·β²·γ² = ``growth`` that explain all ``networks`` at once; None where there is none."""
    corners = []
    for j in range(3):
        for sign in (1.0, -1.0):
            corner = _extreme(networks, tolerance, sign * np.eye(3)[j], _GROWTH, log(growth))
            if corner is None:
                return None
            corners.append(corner)
    ends = [(exp(corners[2 * j][j]), exp(corners[2 * j + 1][j])) for j in range(3)]
    # The mean of extreme points of a convex set lies in it.
    middle = np.exp(np.mean(np.stack(corners), axis=0))
    return Region(
        (ends[0][0], ends[1][0], ends[2][0]),
        (ends[0][1], ends[1][1], ends[2][1]),
        (float(middle[0]), float(middle[1]), float(middle[2])),
    )


def growths_with(
    networks: Sequence[Published], tolerance: Tolerance, alpha: float
) -> tuple[float, float] | None:
    """(least, greatest) α·β²·γ² of the rules with this α that explain all ``networks``; None where none does."""
    ends = []
    for sign in (1.0, -1.0):
        corner = _extreme(networks, tolerance, sign * _GROWTH, np.eye(3)[0], log(alpha))
        if corner is None:
            return None
        ends.append(exp(float(_GROWTH @ corner)))
    return ends[0], ends[1]


_GROWTH = np.array([1.0, 2.0, 2.0])


def _extreme(
    networks: Sequence[Published],
    tolerance: Tolerance,
    objective: NDArray[np.float64],
    normal: NDArray[np.float64],
    value: float,
) -> NDArray[np.float64] | None:
    """(log α, log β, log γ) with the least ``objective`` among the rules with ``normal``·v = ``value``.

    Dimension i wants φ in [a_i/v_i, b_i/v_i]; two of them meet where a_i·v_j ≤ b_j·v_i.
    """
    rows = []
    for network in networks:
        bounds = _bounds(network, tolerance)
        for i in range(3):
            for j in range(3):
                if i != j:
                    row = [0.0, 0.0, 0.0]
                    row[j] += bounds[i][0]
                    row[i] -= bounds[j][1]
                    rows.append(row)
    found = linprog(
        objective,
        A_ub=np.array(rows),
        b_ub=np.zeros(len(rows)),
        A_eq=normal[None, :],
        b_eq=[value],
        bounds=[(1e-6, 2.0)] * 3,
        method="highs",
    )
    return np.asarray(found.x, dtype=np.float64) if found.success else None


def least_tolerance(networks: Sequence[Published], tolerance: Tolerance) -> float:
    """The smallest factor on ``tolerance`` at which some rule explains all ``networks``, to 1 %."""
    low, high = 0.0, 1.0
    while region(networks, tolerance.times(high)) is None and high < 8:
        low, high = high, high * 2
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        if region(networks, tolerance.times(middle)) is None:
            low = middle
        else:
            high = middle
    return high
