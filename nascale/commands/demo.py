"""``nascale demo``: the main job on bundled images, as four commands that anybody can type."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from nascale.output import echo

STUDY = "demo"
# Chosen for two cores and about two minutes; nothing else in it is special to the digits.
SEARCH = (
    "--space mixed --sampler controller --evaluator train --data digits --epochs 8 --batch-size 32 --seed 0"
)
_STEPS = (2, 4, 8)


@click.command("demo")
@click.option(
    "--folder",
    type=click.Path(file_okay=False),
    default="runs/demo",
    show_default=True,
    help="Where the study, the picture and the scaled networks go.",
)
@click.option(
    "--trials", type=click.IntRange(min=4), default=28, show_default=True, help="Networks to train."
)
@click.option("--workers", type=click.IntRange(min=0), default=2, show_default=True, help="Ray workers.")
@click.option("--fresh", is_flag=True, help="Forget an earlier demo in this folder and start over.")
def command(folder: str, trials: int, workers: int, fresh: bool) -> None:
    """Search, front and scaled family on 1,797 real images of digits, in about two minutes.

    Every step is a command that is printed before it runs. A demo that was stopped goes on where it was.
    """
    place = Path(folder)
    database = place / "demo.db"
    storage = f"sqlite:///{database}"
    if fresh:
        for file in place.glob("demo.db*"):
            file.unlink()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        from space.errors import InputError

        raise InputError.of("--folder", "a folder that can be made", f"{folder} ({error.strerror})") from None

    kept = f"--storage {shlex.quote(storage)}"
    echo("1. Search a space of MBConv, bottleneck and inception blocks; every candidate is really trained.")
    _run(f"nascale search {SEARCH} --trials {trials} --workers {workers} --study {STUDY} {kept}")
    echo("\n2. The Pareto front: the networks that no other beats in both accuracy and MACs.")
    _run(f"nascale front {STUDY} {kept}")
    picture = place / "front.png"
    _run(f"nascale plot {STUDY} {kept} -o {shlex.quote(str(picture))}")
    winner, macs = _winner(storage)
    echo(f"\n3. Trial {winner}, the most accurate, drawn stage by stage.")
    _run(f"nascale show {STUDY} {winner} {kept}")
    budgets = ",".join(f"{macs * step / 1e6:.3g}M" for step in _STEPS)
    echo(f"\n4. The same network scaled in depth, width and resolution to {len(_STEPS)} budgets of MACs.")
    family = place / "family"
    _run(
        f"nascale scale family {STUDY}:{winner} --budgets {budgets} {kept} --write {shlex.quote(str(family))}"
    )
    echo(f"\nThe picture of the front: {picture}\nThe scaled networks:      {family}/")


def _run(line: str) -> None:
    """Prints a command line and runs it in this process."""
    from nascale.cli import cli

    click.echo(click.style(f"\n$ {line}", bold=True))
    cli.main(shlex.split(line)[1:], prog_name="nascale", standalone_mode=False)


def _winner(storage: str) -> tuple[int, float]:
    """The most accurate network of the demo: its trial and its MACs."""
    from results.frame import front

    best = front(STUDY, storage).iloc[0]
    return int(best["number"]), float(best["macs"])
