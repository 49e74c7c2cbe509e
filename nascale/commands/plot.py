"""``nascale plot``: pictures of a study."""

from __future__ import annotations

import click

from nascale.options import PicturePath, axes_options, storage_option, study_argument, where_option
from nascale.output import echo
from results.files import file_name

KINDS = ("overview", "front", "progress", "parallel", "importance")


@click.command("plot")
@study_argument
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="overview",
    show_default=True,
    help="What to draw: the front with its progress, either alone, or the decisions.",
)
@axes_options
@click.option("--color", metavar="COLUMN", help="Colour the trials by this column.  [default: their order]")
@where_option
@click.option("--dark", is_flag=True, help="Light ink on dark paper.")
@storage_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=PicturePath(),
    help="A .png, .svg or .pdf file.  [default: STUDY-KIND.png]",
)
def command(
    study: str,
    kind: str,
    x: str | None,
    y: str | None,
    color: str | None,
    where: str | None,
    dark: bool,
    storage: str | None,
    output: str | None,
) -> None:
    """A picture of STUDY: its front, its progress, or what its decisions did."""
    from results import filter as rows
    from results.frame import trials
    from results.plots import picture, theme
    from results.plots import study as plot

    if output is None:
        output = f"{file_name(study)}-{kind}.png"
    frame = trials(study, storage)
    if where:
        frame = rows.where(frame, where)
    figure = plot.draw(frame, kind, x=x, y=y, color=color, look=theme.DARK if dark else theme.LIGHT)
    echo(str(picture.save(figure, output)))
