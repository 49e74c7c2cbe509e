"""``nascale front``: the Pareto front of a study as a table."""

from __future__ import annotations

import click

from nascale.options import axes_options, storage_option, study_argument, where_option
from nascale.output import echo, emit, table_options


@click.command("front")
@study_argument
@axes_options
@where_option
@storage_option
@table_options
def command(
    study: str,
    x: str | None,
    y: str | None,
    where: str | None,
    storage: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """The Pareto front of STUDY, best accuracy first.

    A network is on the front if no other is at least as good on every axis and better on one. Pruned,
    failed and over-budget trials take no part, and a network that was tried twice appears once. In a study with
    repeats, networks are compared by the means of their measurements.
    """
    from results import filter as rows
    from results.frame import trials
    from results.front import front_axes, front_of

    frame = trials(study, storage)
    axes = front_axes(frame, x, y)
    if where:
        frame = rows.where(frame, where)
    front = front_of(frame, x=x, y=y)
    if front.empty:
        echo(f"study {study}: no finished trial that could be on a front", err=True)
    columns = [
        "number",
        *axes,
        "accuracy_mean",
        "accuracy_sem",
        "repeats",
        "accuracy",
        "macs",
        "params",
        "activation_bytes",
        "epochs",
        "seconds",
        "key",
    ]
    shown = [c for c in dict.fromkeys(columns) if front.empty or front[c].notna().any()]
    emit(front, format_, output, columns=shown)
