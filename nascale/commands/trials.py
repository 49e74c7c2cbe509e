"""``nascale trials``: every trial of a study as a table."""

from __future__ import annotations

import click

from nascale.options import storage_option, study_argument, where_option
from nascale.output import echo, emit, table_options

_SHOWN = (
    "number",
    "status",
    "accuracy",
    "macs",
    "params",
    "epochs",
    "seconds",
    "worker",
    "rank",
    "stock",
    "error",
)


@click.command("trials")
@study_argument
@where_option
@click.option("--sort", metavar="COLUMN", help="Order by this column, best first.  [default: number]")
@storage_option
@table_options
def command(
    study: str,
    where: str | None,
    sort: str | None,
    storage: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """Every trial of STUDY, with its status, result, costs and decisions.

    The table for the eye shows the main columns; csv, json and parquet hold all of them.
    """
    from results import filter as rows
    from results.columns import OBJECTIVE, column_name, direction_of
    from results.frame import trials

    frame = trials(study, storage)
    if where:
        frame = rows.where(frame, where)
    if sort:
        column = column_name(frame, sort, "--sort")
        best_is_large = direction_of(frame, column) == "maximize"
        frame = frame.sort_values(column, ascending=not best_is_large, kind="stable").reset_index(drop=True)
    if frame.empty:
        echo(f"study {study}: no trials{' that satisfy --where' if where else ' yet'}", err=True)
    extra = [c for c in frame.columns if c.startswith(OBJECTIVE)]
    wanted = [*_SHOWN[:3], *extra, *([column] if sort else []), *_SHOWN[3:]]
    shown = [c for c in dict.fromkeys(wanted) if frame.empty or frame[c].notna().any()]
    emit(frame, format_, output, columns=shown)
