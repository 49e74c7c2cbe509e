"""The networks that a search for α, β, γ trains: the base, single dimensions, and a grid of directions.

All but the base are brought to the same real MACs, so that accuracy alone decides. As a ``SearchSpace``
with two decisions, which contender and which seed, they run through the same loop, store and workers as any
search; a trained network is known by its key and its seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from space.architecture import Architecture
from space.cost import costs
from space.errors import InputError
from space.family import member_near, multipliers
from space.rounding import RELEASED, Rounding
from space.scaling import Coefficients
from space.search_space import Decision, Option, SearchSpace

NOT_RACING = ("base", "smaller")
SINGLES = {"depth": (1.0, 0.0, 0.0), "width": (0.0, 1.0, 0.0), "resolution": (0.0, 0.0, 1.0)}
_POWERS = (1.0, 2.0, 2.0)


@dataclass(frozen=True)
class Contender:
    """A network to train. ``label`` names it in the study.

    ``kind`` is depth, width, resolution or compound for those that compete at equal MACs, base or smaller for
    those that do not.

    ``coefficients`` are the nominal α, β, γ, ``phi`` the nudged φ, ``multipliers`` what rounding made of
    depth, width and resolution.
    """

    label: str
    kind: str
    coefficients: tuple[float, float, float]
    phi: float
    architecture: Architecture
    macs: int
    multipliers: tuple[float, float, float]
    moves: tuple[str, ...] = ()


def base_contender(base: Architecture) -> Contender:
    """The network itself, at φ = 0."""
    return Contender("base", "base", (1.0, 1.0, 1.0), 0.0, base, costs(base).macs, (1.0, 1.0, 1.0))


def single(
    base: Architecture, dimension: str, growth: float, tolerance: float, rounding: Rounding
) -> Contender:
    """``base`` scaled in one dimension alone to ``growth`` times its MACs."""
    shares = SINGLES[dimension]
    coefficients = tuple(growth ** (share / power) for share, power in zip(shares, _POWERS, strict=True))
    label = f"{dimension} only" if growth == 2 else f"{dimension} only x{growth:g}"
    return _contender(base, label, dimension, coefficients, growth, tolerance, rounding)


def directed(
    base: Architecture,
    coefficients: tuple[float, float, float],
    growth: float,
    tolerance: float = 0.02,
    rounding: Rounding = RELEASED,
) -> Contender:
    """``base`` scaled along ``coefficients`` to ``growth`` times its MACs."""
    label = " ".join(f"{value:.4g}" for value in coefficients)
    return _contender(base, label, _kind(coefficients), coefficients, growth, tolerance, rounding)


def _kind(coefficients: tuple[float, float, float]) -> str:
    above = [name for name, value in zip(SINGLES, coefficients, strict=True) if value > 1]
    return above[0] if len(above) == 1 else "compound"


def _contender(
    base: Architecture,
    label: str,
    kind: str,
    coefficients: tuple[float, ...],
    growth: float,
    tolerance: float,
    rounding: Rounding,
) -> Contender:
    alpha, beta, gamma = coefficients
    member = member_near(
        base,
        growth * costs(base).macs,
        lambda network: float(costs(network).macs),
        coefficients=Coefficients(alpha, beta, gamma),
        rounding=rounding,
        tolerance=tolerance,
    )
    return Contender(
        label,
        kind,
        (alpha, beta, gamma),
        member.phi,
        member.architecture.replace(name=f"{base.label} {label}"),
        round(member.cost),
        multipliers(base, member.architecture),
        member.moves,
    )


def grid_contenders(
    base: Architecture,
    candidates: Sequence[tuple[float, float, float]],
    growth: float,
    tolerance: float = 0.02,
    rounding: Rounding = RELEASED,
) -> list[Contender]:
    """The base, each dimension alone, and every candidate, all but the base at ``growth`` times its MACs."""
    return [
        base_contender(base),
        *(single(base, dimension, growth, tolerance, rounding) for dimension in SINGLES),
        *(directed(base, candidate, growth, tolerance, rounding) for candidate in candidates),
    ]


def law_start(
    base: Architecture, growth: float, tolerance: float = 0.02, rounding: Rounding = RELEASED
) -> list[Contender]:
    """What the law-guided search trains first: the base, the singles, and balanced networks of three sizes.

    A law needs both directions (singles against balanced) and sizes (how fast the error falls at all).
    """
    third = (growth ** (1 / 3), growth ** (1 / 6), growth ** (1 / 6))
    return [
        base_contender(base),
        *(single(base, dimension, growth, tolerance, rounding) for dimension in SINGLES),
        directed(base, third, growth, tolerance, rounding),
        *(
            _contender(base, f"balanced x{size:.3g}", "smaller", third, size, tolerance, rounding)
            for size in (growth**0.5, growth**0.25)
        ),
    ]


def contender_space(contenders: Sequence[Contender], seeds: Sequence[int]) -> SearchSpace:
    """The space of (contender, seed)."""
    networks = {c.label: c.architecture for c in contenders}
    if len(networks) < len(contenders):
        raise InputError.of("contenders", "distinct labels", [c.label for c in contenders])

    def build(decisions: Mapping[str, Option]) -> Architecture:
        return networks[str(decisions["contender"])]

    decisions = (Decision("contender", tuple(networks)), Decision("seed", tuple(seeds)))
    return SearchSpace("scaling", decisions, build)


@dataclass(frozen=True)
class SeededKeys:
    """Which trials are the same training: those of the same network with the same seed."""

    keys: Mapping[str, str]

    @classmethod
    def of(cls, contenders: Sequence[Contender]) -> SeededKeys:
        return cls({c.label: c.architecture.key for c in contenders})

    def key(self, decisions: Mapping[str, Option]) -> str | None:
        """The network's key and the seed."""
        return f"{self.keys[str(decisions['contender'])]}-{decisions['seed']}"
