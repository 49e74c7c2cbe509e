"""The star: networks around one large centre, each dimension alone made smaller in geometric steps.

Downwards from a large centre the other two dimensions are never the bottleneck, so each arm shows what its own dimension is worth;
Alabdulmohsin et al. 2023 (arXiv 2305.13035) found the shape of SoViT-400m so. A small grid at and above the network itself then
fixes the levels: the network, each dimension alone at the growth, and all three together.
"""

from __future__ import annotations

from math import log2

from search.scaling.candidates import SINGLES, ScalingCandidate, base_candidate, directed, single
from space.architecture import Architecture
from space.cost import costs
from space.rounding import RELEASED, Rounding
from space.scaling import scale, smallest_resolution
from space.scaling.realised import Triple, multipliers

STEPS = 5
"""Networks of each arm below the centre."""
_POWERS: Triple = (1.0, 2.0, 2.0)


def star_candidates(
    base: Architecture,
    growth: float = 2.0,
    *,
    centre: float = 4.0,
    down: float = 4.0,
    tolerance: float = 0.02,
    rounding: Rounding = RELEASED,
) -> list[ScalingCandidate]:
    """The star and its small grid, the base first; networks that round to one are one candidate.

    The centre has about ``centre`` times the MACs of ``base``, shared evenly among the dimensions; the last network of each arm has about
    1/``down`` of the centre's. Those of the grid have ``growth`` times the MACs of ``base``, within ``tolerance``.
    """
    middle = tuple(centre ** (1 / (3 * power)) for power in _POWERS)
    found = [base_candidate(base), _scaled(base, "centre", (middle[0], middle[1], middle[2]), rounding)]
    for place, dimension in enumerate(SINGLES):
        for step in range(1, STEPS + 1):
            factors = list(middle)
            factors[place] *= down ** (-step / (STEPS * _POWERS[place]))
            label = f"{dimension} down {step}"
            found.append(_scaled(base, label, (factors[0], factors[1], factors[2]), rounding))
    third = (growth ** (1 / 3), growth ** (1 / 6), growth ** (1 / 6))
    found += [single(base, dimension, growth, tolerance, rounding) for dimension in SINGLES]
    found.append(directed(base, third, growth, tolerance, rounding))
    # Rounding may leave the layers, channels of the stages and pixels of two steps alike: one of them is enough.
    return list({tuple(round(m, 3) for m in one.multipliers): one for one in reversed(found)}.values())[::-1]


def _scaled(base: Architecture, label: str, factors: Triple, rounding: Rounding) -> ScalingCandidate:
    pixels = max(rounding.pixels(base.resolution, factors[2]), smallest_resolution(base))
    network = scale(base, depth=factors[0], width=factors[1], resolution=pixels, rounding=rounding)
    own, macs = costs(base).macs, costs(network).macs
    return ScalingCandidate(
        label,
        "star",
        factors,
        log2(macs / own),
        network.replace(name=f"{base.label} {label}"),
        macs,
        multipliers(base, network),
    )
