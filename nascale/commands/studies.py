"""``nascale studies``: what is stored."""

from __future__ import annotations

import click

from nascale.options import storage_option
from nascale.output import echo, emit, table_options
from results.trial_result import Status

_COLUMNS = (
    "study", "space", "sampler", "data", "trials", "finished", "running", "wanted", "reused", "accuracy",
    "objectives", "last",
)  # fmt: skip


@click.command("studies")
@click.option("--delete", metavar="STUDY", help="Remove this study and its trials, after asking.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@click.option("--force", is_flag=True, help="Delete a study even while a search is at work on it.")
@storage_option
@table_options
def command(
    delete: str | None, yes: bool, force: bool, storage: str | None, format_: str | None, output: str | None
) -> None:
    """The stored studies: what each searches, how far it is, and its best accuracy."""
    from results.studies import described, summaries

    if delete:
        _delete(delete, yes, force, storage)
        return
    rows = summaries(storage)
    if not rows:
        import pandas as pd

        echo(f"no studies in {described(storage)} yet", err=True)
        emit(pd.DataFrame(columns=list(_COLUMNS)), format_, output)
        return
    emit(rows, format_, output, columns=_COLUMNS)


def _delete(study: str, yes: bool, force: bool, storage: str | None) -> None:
    from results.studies import delete, load

    trials = load(study, storage).trials
    running = sum(trial.status is Status.RUNNING for trial in trials)
    if not yes:
        warning = f" ({running} of them marked as running)" if running else ""
        click.confirm(f"Remove study {study} with {len(trials)} trials{warning}?", abort=True, err=True)
    echo(f"removed study {study} with {delete(study, storage, force=force)} trials", err=True)
