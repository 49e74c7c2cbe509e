"""``nascale demo``: the whole of it on bundled images, as commands that anybody can type."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import click

from nascale.output import echo

# Chosen for two cores and two minutes; nothing else in it is special to the digits, but that they are not to be mirrored.
SEARCH = "--data digits --resolution 16 --max-macs 500K --no-flip --seed 0"
_STUDY = "auto"


@click.command("demo")
@click.option(
    "--folder",
    type=click.Path(file_okay=False),
    default="runs/demo",
    show_default=True,
    help="Where all that comes of it goes.",
)
@click.option("--within", default="2min", show_default=True, help="The time for it.")
@click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Trainings at once."
)
@click.option("--fresh", is_flag=True, help="Forget an earlier demo in this folder and start over.")
def command(folder: str, within: str, workers: int, fresh: bool) -> None:
    """Search, training, test and export on 1,797 real images of digits, in two minutes.

    Every step is a command that is printed before it runs. A demo that was stopped goes on where it was.
    """
    place = Path(folder)
    out = place / _STUDY
    if fresh and out.is_dir():
        shutil.rmtree(out)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        from space.errors import InputError

        raise InputError.of("--folder", "a folder that can be made", f"{folder} ({error.strerror})") from None

    echo("1. Find, train, test and export a network, in the time that it is given.")
    _run(
        f"nascale auto {SEARCH} --within {shlex.quote(within)} --workers {workers} --out {shlex.quote(str(out))}"
    )
    kept = f"--storage {shlex.quote(f'sqlite:///{out}/study.db')}"
    echo("\n2. The Pareto front of its search: the networks that no other beats in both accuracy and MACs.")
    _run(f"nascale front {_STUDY} {kept}")
    picture = place / "front.png"
    _run(f"nascale plot {_STUDY} {kept} -o {shlex.quote(str(picture))}")
    echo(f"\nThe picture of the front: {picture}\nThe network:              {out}/export/")


def _run(line: str) -> None:
    """Prints a command line and runs it in this process."""
    from nascale.cli import cli

    echo(click.style(f"\n$ {line}", bold=True))
    cli.main(shlex.split(line)[1:], prog_name="nascale", standalone_mode=False)
