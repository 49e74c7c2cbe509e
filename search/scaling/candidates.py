"""The networks that a search for α, β, γ trains: the base, single dimensions, and a grid of coefficients.

All but the base are scaled to the same real MACs, so they are compared by accuracy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from space.architecture import Architecture
from space.at_budget import near_cost
from space.cost import costs
from space.rounding import RELEASED, Rounding
from space.scaling import Coefficients
from space.scaling.realised import Triple, multipliers

REFERENCES = ("base", "smaller", "star")
"""Kinds of candidate that have other MACs: they are trained and listed, but do not compete."""
SINGLES = {"depth": (1.0, 0.0, 0.0), "width": (0.0, 1.0, 0.0), "resolution": (0.0, 0.0, 1.0)}
_POWERS = (1.0, 2.0, 2.0)


@dataclass(frozen=True)
class ScalingCandidate:
    """A network to train. ``label`` names it in the study.

    ``kind`` is depth, width, resolution or compound for those that compete at equal MACs, one of REFERENCES for
    those that do not.

    ``coefficients`` are the nominal α, β, γ and ``phi`` the φ at which the real MACs match best. ``multipliers``
    are the real ones of depth, width and resolution, after rounding; ``moves`` the single layers, channels and
    pixels that were changed after that.
    """

    label: str
    kind: str
    coefficients: Triple
    phi: float
    architecture: Architecture
    macs: int
    multipliers: Triple
    moves: tuple[str, ...] = ()

    @property
    def competes(self) -> bool:
        """Whether the candidate has the MACs of the others, so that accuracies may be compared."""
        return self.kind not in REFERENCES


def base_candidate(base: Architecture) -> ScalingCandidate:
    """The network itself, at φ = 0."""
    return ScalingCandidate("base", "base", (1.0, 1.0, 1.0), 0.0, base, costs(base).macs, (1.0, 1.0, 1.0))


def single(
    base: Architecture, dimension: str, growth: float, tolerance: float, rounding: Rounding
) -> ScalingCandidate:
    """``base`` scaled in one dimension alone to ``growth`` times its MACs."""
    shares = SINGLES[dimension]
    coefficients = tuple(growth ** (share / power) for share, power in zip(shares, _POWERS, strict=True))
    label = f"{dimension} only" if growth == 2 else f"{dimension} only x{growth:g}"
    return _candidate(base, label, dimension, coefficients, growth, tolerance, rounding)


def directed(
    base: Architecture,
    coefficients: Triple,
    growth: float,
    tolerance: float = 0.02,
    rounding: Rounding = RELEASED,
) -> ScalingCandidate:
    """``base`` scaled along ``coefficients`` to ``growth`` times its MACs."""
    label = " ".join(f"{value:.4g}" for value in coefficients)
    return _candidate(base, label, _kind(coefficients), coefficients, growth, tolerance, rounding)


def _kind(coefficients: Triple) -> str:
    scaled = [name for name, value in zip(SINGLES, coefficients, strict=True) if value > 1]
    return scaled[0] if len(scaled) == 1 else "compound"


def _candidate(
    base: Architecture,
    label: str,
    kind: str,
    coefficients: tuple[float, ...],
    growth: float,
    tolerance: float,
    rounding: Rounding,
) -> ScalingCandidate:
    alpha, beta, gamma = coefficients
    member = near_cost(
        base,
        growth * costs(base).macs,
        lambda network: float(costs(network).macs),
        coefficients=Coefficients(alpha, beta, gamma),
        rounding=rounding,
        tolerance=tolerance,
    )
    return ScalingCandidate(
        label,
        kind,
        (alpha, beta, gamma),
        member.phi,
        member.architecture.replace(name=f"{base.label} {label}"),
        round(member.cost),
        multipliers(base, member.architecture),
        member.moves,
    )


def grid_candidates(
    base: Architecture,
    grid: Sequence[Triple],
    growth: float,
    tolerance: float = 0.02,
    rounding: Rounding = RELEASED,
) -> list[ScalingCandidate]:
    """The base, each dimension alone, and one candidate for each (α, β, γ) of ``grid``.

    All but the base have ``growth`` times its MACs.
    """
    return [
        base_candidate(base),
        *(single(base, dimension, growth, tolerance, rounding) for dimension in SINGLES),
        *(directed(base, coefficients, growth, tolerance, rounding) for coefficients in grid),
    ]


def law_start(
    base: Architecture, growth: float, tolerance: float = 0.02, rounding: Rounding = RELEASED
) -> list[ScalingCandidate]:
    """What the law-guided search trains first: the base, single dimensions, and balanced networks of three sizes.

    A law needs different directions (single dimensions against balanced networks) and different sizes (how fast
    the error falls).
    """
    third = (growth ** (1 / 3), growth ** (1 / 6), growth ** (1 / 6))
    return [
        base_candidate(base),
        *(single(base, dimension, growth, tolerance, rounding) for dimension in SINGLES),
        directed(base, third, growth, tolerance, rounding),
        *(
            _candidate(base, f"balanced x{size:.3g}", "smaller", third, size, tolerance, rounding)
            for size in (growth**0.5, growth**0.25)
        ),
    ]
