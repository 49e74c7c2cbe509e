"""The compound ray of a network, rounded: the plan at each φ, and the largest φ within a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from space.architecture import Architecture
from space.errors import BudgetError
from space.rounding import RELEASED, Rounding
from space.scaling.coefficients import PAPER, Coefficients
from space.scaling.multipliers import compound_plan
from space.scaling.plans import Plan, beyond_limits

LOWEST_PHI = -64.0
PHI_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Ray:
    """``base`` at every φ, with at most ``max_resolution`` pixels (never fewer than its own)."""

    base: Architecture
    coefficients: Coefficients = PAPER
    rounding: Rounding = RELEASED
    max_resolution: int | None = None

    @property
    def most_pixels(self) -> int | None:
        """The most pixels; None without a bound."""
        return None if self.max_resolution is None else max(self.max_resolution, self.base.resolution)

    def at(self, phi: float) -> Plan:
        """The plan at ``phi``. Raises InputError for one beyond the limits (``space.limits``)."""
        plan = compound_plan(self.base, phi, self.coefficients, self.rounding)
        most = self.most_pixels
        return plan if most is None or plan.resolution <= most else replace(plan, resolution=most)

    def largest_phi(
        self, price: Callable[[Plan], float], budget: float, measure: str, precision: float = PHI_STEP
    ) -> tuple[float, float]:
        """(φ, cost) of the largest φ, to ``precision``, whose network costs at most ``budget``.

        Raises BudgetError where none does, or where even the largest network that is computed with does.
        """
        low, high, step = 0.0, 0.0, 1.0
        cost = price(self.at(0.0))
        if cost <= budget:
            highest = self._highest()
            while True:
                high = min(low + step, highest)
                after = price(self.at(high))
                if after > budget:
                    break
                if high == highest:
                    raise BudgetError(
                        f"budget: wanted less than {after:,.6g} {measure}, what the largest network that is computed "
                        f"with costs ({size(self.at(high))}), got {budget:,.6g}"
                    )
                low, cost, step = high, after, step * 2
        else:
            while True:
                low = max(high - step, LOWEST_PHI)
                cost = price(self.at(low))
                if cost <= budget:
                    break
                if low <= LOWEST_PHI:
                    raise BudgetError(
                        f"budget: wanted at least {cost:,.6g} {measure}, what the smallest network that rounding "
                        f"allows costs ({self.rounding.name}: {size(self.at(low))}), got {budget:,.6g}"
                    )
                high, step = low, step * 2
        while high - low > precision:
            middle = (low + high) / 2
            after = price(self.at(middle))
            if after <= budget:
                low, cost = middle, after
            else:
                high = middle
        return low, cost

    def _highest(self) -> float:
        """The largest φ, to a thousandth, whose network lies within the limits (``space.limits``)."""

        def within(phi: float) -> bool:
            depth, width, factor = self.coefficients.factors(phi)
            return not beyond_limits(self.base, depth, width, self.base.resolution * factor)

        low, high = 0.0, 1.0
        while within(high):
            low, high = high, 2 * high
        while high - low > 1e-3:
            middle = (low + high) / 2
            low, high = (middle, high) if within(middle) else (low, middle)
        return low


def size(plan: Plan) -> str:
    """A plan in words: ``16 layers in 7 stages, 224 px``."""
    return f"{sum(plan.repeats)} layers in {len(plan.repeats)} stages, {plan.resolution} px"
