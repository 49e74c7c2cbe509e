"""Search-space statistics in three lines: size, range of costs, share within each budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nascale.quantities import human_bytes, human_count, human_seconds

if TYPE_CHECKING:
    from search.settings import Budgets
    from search.space_statistics import SpaceStatistics


def statistics_lines(statistics: SpaceStatistics, budgets: Budgets) -> list[str]:
    """Lines for the eye; the last only where there are budgets."""
    size = f"{statistics.size:,}" if statistics.size < 10**9 else f"{statistics.size:.3g}"
    drawn = f"{statistics.networks} drawn with seed {statistics.seed}" if statistics.drawn else "enumerated"
    lines = [f"space {statistics.space}: {size} assignments ({drawn})"]
    if statistics.infeasible:
        lines[0] += f", {statistics.infeasible:.1%} cannot be built"
    if statistics.ranges:
        ranges = (
            f"{name} {human_cost(name, low)} – {human_cost(name, middle)} – {human_cost(name, high)}"
            for name, (low, middle, high) in statistics.ranges.items()
        )
        lines.append("min – median – max: " + "; ".join(ranges))
    if budgets.bounds():
        bounds = {
            name: f"{name} {human_cost(cost, bound)}" for name, (cost, bound) in budgets.bounds().items()
        }
        known = [f"{bounds.get(name, name)}: {share:.1%}" for name, share in statistics.shares.items()]
        unknown = [
            f"{text}: known once measured" for name, text in bounds.items() if name not in statistics.shares
        ]
        lines.append("share within budget: " + ", ".join(known + unknown))
    return lines


def human_cost(name: str, value: float) -> str:
    """A cost with its unit."""
    if name.endswith("_bytes"):
        return human_bytes(value)
    return human_seconds(value) if name.endswith("_seconds") else human_count(value)
