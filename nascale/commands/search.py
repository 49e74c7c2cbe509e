"""``nascale search``: runs a search, or goes on with one."""

from __future__ import annotations

from typing import Any

import click

from nascale.options import setting_options
from nascale.output import echo
from nascale.search_text import closing, opening
from nascale.spec import EPOCHS, SearchSpec, read_spec

_HELP = {
    "epochs": "Epochs of each training, or of the supernet's.  "
    f"[default: {EPOCHS['train']}, of a supernet {EPOCHS['supernet']}]"
}


@click.command("search")
@click.argument("spec", required=False, type=click.Path(dir_okay=False))
@setting_options(SearchSpec, help=_HELP)
@click.option("--quiet", is_flag=True, help="Print the result only.")
def command(spec: str | None, quiet: bool, **options: Any) -> None:
    """Search for networks, or go on with a search that was stopped.

    SPEC is a TOML file of the keys below (with underscores); options win over it. Every trial is stored in an
    Optuna study. Ctrl-C stops cleanly, and the same command goes on where it stopped. A network that was
    measured before is not measured again: its trial is a cache hit.
    """
    chosen = read_spec(spec, options)
    from nascale.launch import prepare, run
    from nascale.progress import followed

    prepared = prepare(chosen)
    if not quiet:
        for line in opening(chosen, prepared):
            echo(line)
    outcome = followed(lambda report, say: run(prepared, report, say), chosen.study, echo, quiet=quiet)
    for line in closing(outcome):
        echo(line)
