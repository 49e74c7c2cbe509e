"""``nascale auto``: photos and a budget in, a trained, exported, certified network out, within the given time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evaluators.full_recipe import FullRecipe
from evaluators.images.sources import source_help
from nascale.auto_run.more_images import FEWEST_EPOCHS, SHARE
from nascale.auto_run.spec import DECIDED, FOR_ALL_TRAININGS, MEASURED, SEARCHED, auto_spec
from nascale.options import default_of, setting_options, with_default
from nascale.output import echo
from nascale.quantities import Quantity
from nascale.spec import SearchSpec
from space.setting import declared

_DEFAULTS = {
    "fraction": "1.0, or less where the time is too short for epochs",
    "objective": SEARCHED,
    "resolution": "the data's, or less where few --max-macs are allowed",
}
"""Settings of a search that have another default here."""
_HELP = {
    "crop": "Random shifts, in pixels.  [default: 0 in the search, an eighth of the resolution in the trainings after it]",
    "data": f"Images to train on, which must be named: {source_help()}.",
    "epochs": "Epochs of each training of the search.  [default: as the time allows]",
    "learn_from": "Start from what other studies of the same space found, with other images or budgets: STUDY, one of $NASCALE_STORAGE or "
    "nascale.db, or STUDY@STORAGE, as auto@sqlite:///OTHER/study.db; several joined by commas.  Samplers controller and controller-ppo.",
    "stock": "Known networks that are brought under the budgets, trained first and compared with what is found: names joined by "
    "commas, or auto (the best known). A search measures as many of them as are a tenth of its trials, and two at least.  [default: auto]",
    "workers": "Trainings at once.  [default: one for each processor, or for each --threads of them]",
}
"""Settings of a search that mean something else here."""


def _help() -> dict[str, str]:
    """The help of the options that are not as in a search alone."""
    search, full = declared(SearchSpec), declared(FullRecipe)
    found = {name: with_default(search[name], default) for name, default in _DEFAULTS.items()}
    for name in FOR_ALL_TRAININGS:
        short, long = default_of(search[name]), default_of(full[name])
        if short != long:
            found[name] = with_default(
                search[name], f"{short} in the search, {long} in the trainings after it"
            )
    return found | _HELP


@click.command("auto")
@setting_options(SearchSpec, without=DECIDED, help=_help())
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
@click.option(
    "--threads", type=int, help="Processors of each training; the last ones share all.  [default: 1]"
)
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
    from nascale.auto_run.running import run

    spec = auto_spec(
        options,
        within=within,
        out=Path(out),
        threads=threads,
        auto_augment=auto_augment,
        trained_validation=trained_validation,
    )
    state = run(spec) if quiet else run(spec, say=echo, live=True)
    for line in state.sentences:
        echo(line)
