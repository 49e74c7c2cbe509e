"""Rules of scaling by name: how s times the MACs are shared among depth, width and resolution."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from space.errors import InputError, UnknownNameError
from space.rounding import RELEASED, TINYNET, Rounding
from space.scaling.coefficients import PAPER, Coefficients


@dataclass(frozen=True, slots=True)
class Rule:
    """Depth by s^``depth``, width by s^``width``, resolution by s^``resolution``; ``rounding`` is what its authors used."""

    name: str
    depth: float
    width: float
    resolution: float
    rounding: Rounding = RELEASED

    def factors(self, growth: float) -> tuple[float, float, float]:
        """(depth, width, resolution) multipliers for ``growth`` times the MACs."""
        return growth**self.depth, growth**self.width, growth**self.resolution

    @property
    def coefficients(self) -> Coefficients:
        """α, β, γ of one doubling."""
        return Coefficients(*self.factors(2.0))


FAST = Rule("fast", 0.1, 0.4, 0.05)
"""Fast compound scaling (Dollár et al. 2021, arXiv:2103.06877): α = 0.8 of the growth into width, s^(α/2)."""

# (depth, width, resolution / 224, MACs / B0's) of TinyNet-A to E (Han et al. 2020, arXiv:2010.14819).
_TINYNETS = (
    (1.2, 1.0, 192 / 224, 339 / 386),
    (1.1, 0.75, 188 / 224, 202 / 386),
    (0.85, 0.54, 184 / 224, 100 / 386),
    (0.695, 0.54, 152 / 224, 52 / 386),
    (0.6, 0.51, 106 / 224, 24 / 386),
)


def _tinynet() -> Rule:
    """The ray through B0 nearest to the five TinyNets: least squares of ln d, ln w and ln r on ln s, brought to d·w²·r² = s.

    The paper chooses depth and resolution for each size from networks that it trained; no ray goes through all five.
    """
    square = sum(log(macs) ** 2 for *_, macs in _TINYNETS)
    depth, width, resolution = (
        sum(log(row[place]) * log(row[3]) for row in _TINYNETS) / square for place in range(3)
    )
    whole = depth + 2 * width + 2 * resolution
    return Rule("tinynet", depth / whole, width / whole, resolution / whole, TINYNET)


RULES: dict[str, Rule] = {rule.name: rule for rule in (FAST, _tinynet())}
"""Rules by name, beside ``paper``."""


def rule_of(text: str) -> tuple[Coefficients, Rounding]:
    """α, β, γ and the rounding of ``paper``, of a rule of ``RULES``, or of three numbers ``a,b,c``.

    Raises UnknownNameError for another name and InputError for other numbers.
    """
    if text == "paper":
        return PAPER, RELEASED
    if text in RULES:
        return RULES[text].coefficients, RULES[text].rounding
    if "," not in text:
        raise UnknownNameError("--rule", text, ("paper", *RULES))
    try:
        alpha, beta, gamma = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError.of("--rule", "α,β,γ such as 1.2,1.1,1.15", text) from None
    return Coefficients(alpha, beta, gamma), RELEASED
