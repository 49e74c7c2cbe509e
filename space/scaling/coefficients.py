"""The coefficients of compound scaling (Tan & Le 2019, eq. 3)."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from space.errors import InputError
from space.limits import LARGEST_FACTOR


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
            if value > LARGEST_FACTOR:
                raise InputError.of(name, f"a coefficient of at most {LARGEST_FACTOR}", value)
        if self.growth == 1:
            raise InputError.of(
                "alpha, beta, gamma", "at least one above 1", (self.alpha, self.beta, self.gamma)
            )

    @property
    def growth(self) -> float:
        """α·β²·γ²: what one step of φ multiplies the MACs of ordinary convolutions by, before rounding."""
        return self.alpha * self.beta**2 * self.gamma**2

    def factors(self, phi: float) -> tuple[float, float, float]:
        """(depth, width, resolution) multipliers at ``phi``, before rounding: α^φ, β^φ, γ^φ."""
        if not isinstance(phi, (int, float)) or isinstance(phi, bool) or not isfinite(phi):
            raise InputError.of("phi", "a finite number", phi)
        return _power(self.alpha, phi), _power(self.beta, phi), _power(self.gamma, phi)


def _power(base: float, exponent: float) -> float:
    """``base`` ** ``exponent``, infinite where it is more than a float holds."""
    try:
        return float(base**exponent)
    except OverflowError:
        return inf


PAPER = Coefficients(1.2, 1.1, 1.15)
"""The coefficients that Tan & Le 2019 found for EfficientNet-B0."""
