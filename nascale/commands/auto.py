"""``nascale auto``: photos and a budget in, a trained, exported, certified network out, within the given time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nascale.auto.more_images import FEWEST_EPOCHS, SHARE
from nascale.auto.spec import DECIDED, MEASURED, auto_spec
from nascale.options import setting_options
from nascale.output import echo
from nascale.quantities import Quantity
from nascale.spec import SearchSpec

_HELP = {
    "epochs": "Epochs of each training of the search.  [default: as the time allows]",
    "workers": "Trainings at once.  [default: one for each processor, or for each --threads of them]",
}


@click.command("auto")
@setting_options(SearchSpec, without=DECIDED, help=_HELP)
@click.option(
    "--within", type=Quantity("seconds"), default="1h", show_default=True, help="The time for all of it."
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False),
    default="runs/auto",
    show_default=True,
    help="Folder for all that comes of it, new or one to go on with.",
)
@click.option("--threads", type=int, help="Processors of each training.  [default: 1]")
@click.option(
    "--auto-augment",
    default=MEASURED,
    show_default=True,
    help="Augmentation of the full trainings: trivial (TrivialAugment), rand (RandAugment), none, or measured: the last "
    "trainings have TrivialAugment, and no flips, where short ones show that it pays by then.",
)
@click.option(
    "--trained-validation",
    type=float,
    help=f"Share of the validation images that the last trainings learn from too.  [default: {SHARE:g} where there are test images, "
    f"heats and time for {FEWEST_EPOCHS} epochs]",
)
@click.option("--quiet", is_flag=True, help="Print the last lines only.")
def command(
    within: float,
    out: str,
    threads: int | None,
    auto_augment: str,
    trained_validation: float | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Find, train, export and test a network for --data under the budgets, in the time of --within.

    The search has stock networks beside it, and the best of both are trained by the same recipe for the same time. DIR then
    holds export, family, report.html and auto.json, and from the first minutes on export holds a network that works: it is
    replaced by a better one only, at the end by the better of the last trainings. Ctrl-C and kills lose nothing; the same command goes on. The last lines say
    whether the search was worth it.
    """
    from nascale.auto.running import run

    spec = auto_spec(
        options,
        within=within,
        out=Path(out),
        threads=threads,
        auto_augment=auto_augment,
        trained_validation=trained_validation,
    )
    for line in run(spec, quiet=quiet):
        echo(line)
