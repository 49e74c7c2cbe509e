"""``nascale bench spaces``: which search space has the better networks, by the errors of random ones."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from evaluators.pools.protocol import PoolSettings
from evaluators.recipe import Recipe
from nascale.options import plot_option, setting_options, storage_option
from nascale.output import echo, emit, table_options
from nascale.spec import EPOCHS
from nascale.study_spec import DataSettings
from search.settings import Budgets


@click.command("spaces")
@click.argument("spaces", metavar="SPACE...", nargs=-1, required=True)
@click.option(
    "--networks",
    type=click.IntRange(min=2),
    default=60,
    show_default=True,
    help="Random networks of each space.",
)
@click.option(
    "--study",
    default="spaces",
    show_default=True,
    help="Each space is kept as the study STUDY-SPACE; the same command goes on with it.",
)
@click.option("--resolution", type=int, help="Side of the networks' images in pixels.  [default: the data's]")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the networks and the trainings."
)
@click.option(
    "--max-seconds", type=float, help="Stop each space's trainings after so many seconds, to go on later."
)
@setting_options(Budgets)
@setting_options(DataSettings)
@setting_options(Recipe, help={"epochs": f"Epochs of each training.  [default: {EPOCHS['train']}]"})
@setting_options(PoolSettings)
@plot_option("Draw the distributions of the errors")
@storage_option
@table_options
def command(
    spaces: tuple[str, ...],
    networks: int,
    study: str,
    plot: str | None,
    format_: str | None,
    output: str | None,
    **settings: Any,
) -> None:
    """Compare search spaces by the errors of random networks within the budgets, each trained alike.

    SPACE is a name or a .toml file that writes a space down. A table says how many of a space's networks keep the budgets,
    and the quartiles of their validation errors with a bootstrap interval (95 %) of the median; the other spaces are
    compared with the first one.
    """
    from nascale.progress import followed
    from nascale.space_comparison import measured, specs

    asked = specs(spaces, study, networks, settings)
    found = [
        followed(partial(measured, name, spec), spec.study, lambda text: echo(text, err=True), quiet=False)
        for name, spec in asked.items()
    ]
    if plot:
        from results.plots.distribution import draw

        draw({one.name: one.errors for one in found}, plot, title="Errors of random networks")
        echo(f"wrote {plot}", err=True)
    emit([one.row(found[0]) for one in found], format_, output)
