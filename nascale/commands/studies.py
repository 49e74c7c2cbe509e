"""``nascale studies``: what is stored."""

from __future__ import annotations

import click

from nascale.output import emit, table_options
from nascale.study_options import storage_option

_COLUMNS = (
    "study", "space", "sampler", "data", "trials", "finished", "running", "wanted", "reused", "accuracy",
    "objectives", "last",
)  # fmt: skip


@click.command("studies")
@storage_option
@table_options
def command(storage: str | None, format_: str | None, output: str | None) -> None:
    """The stored studies: what each searches, how far it is, and its best accuracy."""
    from results.studies import described, summaries

    rows = summaries(storage)
    if not rows:
        import pandas as pd

        click.echo(f"no studies in {described(storage)} yet", err=True)
        emit(pd.DataFrame(columns=list(_COLUMNS)), format_, output)
        return
    emit(rows, format_, output, columns=_COLUMNS)
