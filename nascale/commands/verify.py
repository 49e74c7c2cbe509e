"""``nascale verify``: the best networks of a study measured again with fresh seeds."""

from __future__ import annotations

from typing import Any

import click

from evaluators.pools.protocol import PoolSettings
from nascale.options import setting_options, storage_option, study_argument
from nascale.output import chosen_format, echo, emit, table_options

_SHOWN = (
    *("number", "search_rank", "search_accuracy", "verified_accuracy", "low", "high", "probability_best"),
    *("luck", "seeds", "epochs", "seconds", "key", "error"),
)
_HELP = {"workers": "Ray workers; 0 trains in this process.  [default: the search's]"}


@click.command("verify")
@study_argument
@click.option("--top", type=int, default=5, show_default=True, help="How many of the search's best networks.")
@click.option(
    "--seeds", type=int, default=3, show_default=True, help="Fresh seeds, the same for every network."
)
@click.option("--epochs", type=int, help="Epochs of each training.  [default: three times the search's]")
@click.option(
    "--again/--no-again",
    default=True,
    help="Also train each network as the search did, which tells luck from what longer training brings.  [default: on]",
)
@click.option(
    "--level", type=float, default=0.9, show_default=True, help="Probability with which an interval holds."
)
@click.option(
    "--data", metavar="SOURCE", help="Where the study's images are now.  [default: where they were]"
)
@click.option("--table", metavar="FILE", help="TOML file of the study's table now.  [default: where it was]")
@setting_options(PoolSettings, help=_HELP)
@click.option("--quiet", is_flag=True, help="Print the result only.")
@storage_option
@table_options
def command(
    study: str,
    top: int,
    seeds: int,
    epochs: int | None,
    again: bool,
    level: float,
    data: str | None,
    table: str | None,
    quiet: bool,
    storage: str | None,
    format_: str | None,
    output: str | None,
    **pool: Any,
) -> None:
    """Measure the best networks of STUDY again, with fresh seeds and for longer.

    The best of many noisy results is partly lucky. Estimates and intervals come from the fresh measurements alone; the
    test images are not looked at. Each measurement is stored in the study as it ends: the same command goes on where it
    was stopped. The estimates become columns of the study's trials (nascale front STUDY --y verified_accuracy).
    """
    from nascale.progress import followed
    from nascale.verification import VerificationRequest, prepare
    from nascale.verification_run import run
    from nascale.verification_text import opening, sentences
    from nascale.verification_text import table as rows_of

    given = {name: value for name, value in pool.items() if value is not None}
    request = VerificationRequest(
        top=top, seeds=seeds, epochs=epochs, again=again, level=level, data=data, table=table, pool=given
    )
    prepared = prepare(study, storage, request)
    if not quiet:
        echo(opening(prepared), err=True)
    result = followed(
        lambda report, say: run(prepared, report, say),
        study,
        lambda text: echo(text, err=True),
        quiet=quiet,
    )
    rows = rows_of(result)
    shown = [name for name in _SHOWN if any(row[name] is not None for row in rows)]
    emit(rows, format_, output, columns=shown)
    on_screen = output is None and chosen_format(format_, output) == "table"
    for line in sentences(result):
        echo(line, err=not on_screen)
