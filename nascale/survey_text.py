"""A survey in three lines: size, range of costs, share within each budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nascale.quantities import human_bytes, human_count, human_seconds

if TYPE_CHECKING:
    from search.settings import Budgets
    from search.survey import Survey


def survey_lines(survey: Survey, budgets: Budgets) -> list[str]:
    """Lines for the eye; the last only where there are budgets."""
    size = f"{survey.size:,}" if survey.size < 10**9 else f"{survey.size:.3g}"
    drawn = f"{survey.networks} drawn with seed {survey.seed}" if survey.drawn else "all counted"
    lines = [f"space {survey.space}: {size} assignments ({drawn})"]
    if survey.infeasible:
        lines[0] += f", {survey.infeasible:.1%} cannot be built"
    if survey.ranges:
        ranges = (
            f"{name} {human_cost(name, low)} – {human_cost(name, middle)} – {human_cost(name, high)}"
            for name, (low, middle, high) in survey.ranges.items()
        )
        lines.append("min – median – max: " + "; ".join(ranges))
    if budgets.bounds():
        bounds = {
            name: f"{name} {human_cost(cost, bound)}" for name, (cost, bound) in budgets.bounds().items()
        }
        known = [f"{bounds.get(name, name)}: {share:.1%}" for name, share in survey.shares.items()]
        unknown = [
            f"{text}: known once measured" for name, text in bounds.items() if name not in survey.shares
        ]
        lines.append("share within budget: " + ", ".join(known + unknown))
    return lines


def human_cost(name: str, value: float) -> str:
    """A cost with its unit."""
    if name.endswith("_bytes"):
        return human_bytes(value)
    return human_seconds(value) if name.endswith("_seconds") else human_count(value)
