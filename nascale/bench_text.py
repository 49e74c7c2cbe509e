"""What ``nascale bench samplers`` says of a table and of what searches on it are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nascale.quantities import human_cost

if TYPE_CHECKING:
    from evaluators.table import TableEvaluator
    from evaluators.table_settings import TableSettings
    from search.objective import Objective
    from search.regret import ReferenceOptimum
    from search.twins import Twins


def trust_lines(evaluator: TableEvaluator, twins: Twins | None) -> list[str]:
    """What is to be known of the table before its figures are believed: how well a surrogate fits, and twins."""
    fit = evaluator.summary()
    lines = [] if fit is None else [fit]
    if twins is not None:
        lines.append(
            f"warning: {twins.rows:,} of {len(evaluator.rows):,} rows have the key of an earlier row and other results, up to "
            f"{twins.apart:.2f} {evaluator.settings.scale.words} apart in truth: they count as one network, and a search "
            "takes the result that it measures first for all of them"
        )
    return lines


def against(optimum: ReferenceOptimum) -> str:
    """``Against the table's best, 93.13 %``."""
    best = float(optimum.unit.shown_one(optimum.best))
    value = f"a loss of {best:.4g}" if optimum.unit.is_loss else f"{best:.2f} %"
    return f"Against {_whose(optimum)}, {value}"


def bench_title(settings: TableSettings, optimum: ReferenceOptimum) -> str:
    """The line above the figures: unit, optimum, and the noise between seeds."""
    words, best = optimum.unit.words, optimum.best
    if optimum.unit.is_loss:
        best = optimum.unit.shown_one(best)
    noise = "unknown (one result a network)" if optimum.noise is None else f"{optimum.noise:.2f} {words}"
    whose = _whose(optimum)
    return f"{settings.path.name}: regret in {words} against {whose} ({best:.4f}), noise of one seed {noise}"


def floor_line(settings: TableSettings, optimum: ReferenceOptimum) -> str:
    """Why regret does not end at 0 where truth is another column than what is observed."""
    return (
        f"regret ends at {optimum.floor:.3f} {optimum.unit.words}, not at 0: truth is column {settings.truth}, and the network "
        f"that is best by {', '.join(settings.accuracy)} is not the best by it"
    )


def front_line(objective: Objective, optimum: ReferenceOptimum) -> str:
    """What the share of hypervolume and the regret of several objectives are."""
    assert optimum.front is not None
    front = optimum.front
    costs = zip(objective.minimised, front.costs, strict=True)
    corner = ", ".join(
        [f"{front.reference[0]:.4f}", *(f"{human_cost(name, cost)} {name}" for name, cost in costs)]
    )
    whose = "the true front" if optimum.exact else "the front of rows and all networks seen"
    return (
        f"hypervolume is a share of that of {whose} ({front.members} networks), of {objective.merit} and the logarithm of "
        f"{' and '.join(objective.minimised)}, from {corner}; regret is that of the accurate end"
    )


def _whose(optimum: ReferenceOptimum) -> str:
    return "the table's best" if optimum.exact else "the best of rows and all networks seen"
