"""``nascale scale fit``: α, β, γ read off accuracies of scaled networks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nascale.output import chosen_format, echo, emit, table_options
from results.files import write_file
from space.errors import InputError
from space.limits import LARGEST_SEED

if TYPE_CHECKING:
    from search.scaling.law_fit import LawFit


@click.command("fit")
@click.argument("points", metavar="POINTS.csv")
@click.option(
    "--law",
    default="auto",
    show_default=True,
    help="auto (what predicts left-out points best) or one law's name.",
)
@click.option(
    "--growth", type=float, default=2.0, show_default=True, help="α·β²·γ², the budget of one step of φ."
)
@click.option(
    "--resamples",
    type=click.IntRange(min=0, max=100_000),
    default=200,
    show_default=True,
    help="Bootstrap fits behind the intervals.",
)
@click.option(
    "--seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True, help="Of the bootstrap."
)
@click.option(
    "--family-column",
    metavar="NAME",
    help="The column that names each row's family: elasticities of several families, partially pooled, in the place of a law.",
)
@table_options
def command(
    points: str,
    law: str,
    growth: float,
    resamples: int,
    seed: int,
    family_column: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """Fit accuracy laws to POINTS.csv and report α, β, γ with intervals.

    POINTS.csv has the columns depth, width, resolution (multipliers of the base network) and accuracy (a
    fraction). Three production functions and a quadratic are compared by leave-one-out error; the best one is
    maximised over α·β²·γ² = growth. Errors are in percentage points.

    With the columns macs, epochs and loss (nats) in the place of accuracy, and seed where there are several, the loss law is fitted, and
    α, β, γ are given for each length of training.
    """
    if family_column is not None:
        _print_families(points, family_column, format_, output)
        return
    from search.scaling.law_fit import fit_law
    from search.scaling.optimum import GREEK
    from search.scaling.points import DIMENSIONS, Points, read_rows

    rows = read_rows(points)
    if "loss" in rows[0] and "accuracy" not in rows[0]:
        if law != "auto":
            raise InputError.of("--law", "none: losses have a law of their own", law)
        _print_losses(rows, growth, seed, format_, output)
        return
    table = Points.of(rows)
    fit = fit_law(table, law=law, growth=growth, resamples=resamples, seed=seed)
    for j in range(3):
        if j not in table.varied:
            echo(
                f"{points}: {DIMENSIONS[j]} is never varied, so its coefficient {GREEK[j]} cannot be determined",
                err=True,
            )
    chosen = chosen_format(format_, output)
    if chosen == "json":
        _write_json(fit.to_dict(), output)
    elif chosen == "table" and output is None:
        _print(fit)
    else:
        emit([_flat(fit)], chosen, output)


def _write_json(document: dict[str, Any], output: str | None) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        echo(text, nl=False)
    else:
        write_file(output, text.encode())


def _print_losses(
    rows: list[dict[str, Any]], growth: float, seed: int, format_: str | None, output: str | None
) -> None:
    """The loss law: α, β, γ for each length of training."""
    from nascale.scaling_text import budget_rows, loss_claims
    from search.scaling.loss_fit import FORMULA, fit_loss
    from search.scaling.loss_points import LossPoints

    fit = fit_loss(LossPoints.of(rows), growth=growth, seed=seed)
    chosen = chosen_format(format_, output)
    if chosen == "json":
        _write_json(fit.to_dict(), output)
        return
    emit(
        budget_rows(fit),
        chosen,
        output,
        title=f"best at a growth of the MACs by {growth:g}, by length of training",
    )
    if chosen == "table" and output is None:
        for line in (FORMULA, *loss_claims(fit)):
            echo(line)


def _print_families(points: str, column: str, format_: str | None, output: str | None) -> None:
    """The elasticities of each family."""
    from search.scaling.families import FamilyPoints, fit_families, rows_of

    fit = fit_families(FamilyPoints.read(points, column))
    emit(rows_of(fit), format_, output, title="per cent of error that one per cent of a dimension removes")


def _flat(fit: LawFit) -> dict[str, Any]:
    """The fit as one row: the law's own parameters are left to ``--format json``."""
    from search.scaling.optimum import GREEK

    row: dict[str, Any] = dict(zip(GREEK, fit.coefficients, strict=True))
    for name, pair in zip(GREEK, fit.intervals, strict=True):
        row |= {f"{name}_low": pair and pair[0], f"{name}_high": pair and pair[1]}
    return row | {"law": fit.law, "rmse": fit.rmse, "loo_rmse": fit.loo_rmse, "points": fit.points}


def _print(fit: LawFit) -> None:
    """The fit for the eye: coefficients, laws compared, and what the points can tell."""
    from search.scaling.bootstrap import LEVEL
    from search.scaling.optimum import GREEK

    rows = [
        {
            "coefficient": name,
            "value": value,
            f"low ({LEVEL:.0%})": pair and pair[0],
            f"high ({LEVEL:.0%})": pair and pair[1],
        }
        for name, value, pair in zip(GREEK, fit.coefficients, fit.intervals, strict=True)
    ]
    emit(
        rows, "table", title=f"best at α·β²·γ² = {fit.growth:g}, by the {fit.law} law on {fit.points} points"
    )
    emit(
        [
            {
                "law": s.law,
                "free": s.free,
                "rmse (points)": s.rmse,
                "leave-one-out (points)": s.loo_rmse,
                **dict(zip(GREEK, s.coefficients, strict=True)),
            }
            for s in fit.laws
        ],
        "table",
        title="laws, best prediction of left-out points first",
    )
    shown = ", ".join(f"{name} {value:.4g}" for name, value in fit.parameters.items())
    echo(f"{fit.formula}\n{shown}\n")
    for line in fit.statement:
        echo(line)
