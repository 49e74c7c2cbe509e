"""``nascale reproduce``: a training repeated from its passport."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from nascale.output import echo, emit, table_options
from space.errors import RunError


@click.command("reproduce")
@click.argument("passport", metavar="PASSPORT")
@click.option(
    "--out",
    metavar="DIR",
    help="Keep the repeated run here; then a stopped one can go on.  [default: not kept]",
)
@click.option("--data", metavar="SOURCE", help="Another place of the images.")
@click.option("--quiet", is_flag=True, help="Print the result only.")
@table_options
def command(
    passport: str, out: str | None, data: str | None, quiet: bool, format_: str | None, output: str | None
) -> None:
    """Repeat the training of a PASSPORT (RUN/export/passport.json) and compare.

    On a CPU with the same threads, versions and machine the weights come out the same, bit for bit. Otherwise the
    accuracies are compared: the training counts as reproduced where they differ by no more than chance explains on so
    many validation images. Exit status 1 where it does not.
    """
    from evaluators.evaluator import StopFlag, Stopped
    from evaluators.export.passport import read_passport
    from nascale.reproduction import prepared, reproduce
    from nascale.stopping import stop_on_signals
    from nascale.training_progress import follower
    from nascale.training_text import opening

    known = read_passport(passport)
    with ExitStack() as stack:
        folder = Path(out) if out else Path(stack.enter_context(tempfile.TemporaryDirectory())) / "run"
        ready = prepared(known, folder, data)
        if not quiet:
            for line in opening(ready):
                echo(line, err=True)
        stop = StopFlag()
        stop_on_signals(stop)
        try:
            if quiet:
                found = reproduce(known, ready, stop=stop)
            else:
                found = reproduce(known, ready, stop=stop, follow=stack.enter_context(follower()))
        except Stopped:
            echo(f"stopped{f'; the same command goes on with {out}' if out else ''}", err=True)
            raise KeyboardInterrupt from None
        emit(found.rows(), format_, output, title=known.run.name)
        if not found.holds:
            raise RunError(found.verdict())
        echo(found.verdict(), err=True)
