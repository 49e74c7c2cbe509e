"""The grid of EfficientNet's search: all coefficients (α, β, γ) that multiply the MACs by the wanted growth."""

from __future__ import annotations

from space.errors import InputError


def paper_grid(
    step: float = 0.05,
    tolerance: float = 0.1,
    growth: float = 2.0,
    largest: float | None = None,
    smallest: float = 1.0,
) -> list[tuple[float, float, float]]:
    """All (α, β, γ) on a grid from ``smallest`` with |α·β²·γ² − growth| ≤ tolerance, in order.

    The bounds of the tolerance are included. The paper states neither its step nor its tolerance; with 0.05 and
    0.1 there are 111 triples, (1.2, 1.1, 1.15) among them. Raises InputError where there are none.
    """
    if not step > 0:
        raise InputError.of("step", "a positive step", step)
    if not tolerance >= 0:
        raise InputError.of("tolerance", "0 or more", tolerance)
    if not smallest >= 1:
        raise InputError.of("smallest", "a coefficient of 1 or more", smallest)
    if not growth > 1:
        raise InputError.of("growth", "a number above 1", growth)
    top = growth + tolerance
    limit = top if largest is None else largest
    axis = [round(smallest + i * step, 10) for i in range(int((limit - smallest) / step + 1e-9) + 1)]
    found = [
        (a, b, c)
        for a in axis
        for b in axis
        for c in axis
        if abs(a * b * b * c * c - growth) <= tolerance + 1e-9
    ]
    if not found:
        raise InputError.of(
            "step, tolerance", "a grid with at least one (α, β, γ)", f"step {step:g}, tolerance {tolerance:g}"
        )
    return found
