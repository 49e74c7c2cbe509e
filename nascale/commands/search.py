"""``nascale search``: runs a search, or goes on with one."""

from __future__ import annotations

from typing import Any

import click

from nascale.options import setting_options
from nascale.output import echo
from nascale.recovery import is_search, recovered_spec, restore, storage_of
from nascale.search_text import closing, opening
from nascale.spec import EPOCHS, SearchSpec, read_spec
from results.rescue import read
from space.errors import InputError

_HELP = {
    "epochs": "Epochs of each training, or of the supernet's.  "
    f"[default: {EPOCHS['train']}, of a supernet {EPOCHS['supernet']}]"
}


@click.command("search")
@click.argument("spec", required=False, type=click.Path(dir_okay=False))
@setting_options(SearchSpec, help=_HELP)
@click.option(
    "--recover",
    metavar="FILE",
    help="Put what is in STUDY-rescued.jsonl back into a database, and go on. A search writes that file when its database "
    "is lost; it holds the spec too.",
)
@click.option("--quiet", is_flag=True, help="Print the result only.")
def command(spec: str | None, recover: str | None, quiet: bool, **options: Any) -> None:
    """Search for networks, or go on with a search that was stopped.

    SPEC is a TOML file of the keys below (with underscores); options win over it. Every trial is stored in an
    Optuna study. Ctrl-C stops cleanly, and the same command goes on where it stopped. A network that was
    measured before is not measured again: its trial is a cache hit.
    """
    from nascale.launch import check_found, prepare, run
    from nascale.progress import followed

    server = click.get_current_context().find_root().params.get("server")
    if server is not None:
        from nascale.remote_search import search_there

        if recover is not None:
            raise InputError.of("recover", "a search of this machine", recover)
        search_there(server, spec, options, quiet=quiet)
        return
    rescued = None
    if recover is None:
        chosen = read_spec(spec, options)
    else:
        rescued = read(recover)
        if spec is not None:
            raise InputError.of("recover", "no SPEC beside it: the file holds one", spec)
        if not is_search(rescued):
            echo(restore(rescued, storage_of(rescued, options.get("storage")), None))
            echo("the same `nascale scale search` command goes on with it")
            return
        chosen = recovered_spec(rescued, options)
    prepared = prepare(chosen)
    if rescued is not None:
        echo(restore(rescued, chosen.storage, chosen))
    if not quiet:
        for line in opening(chosen, prepared):
            echo(line)
    outcome = followed(lambda report, say: run(prepared, report, say), chosen.study, echo, quiet=quiet)
    for line in closing(outcome):
        echo(line)
    check_found(outcome)
