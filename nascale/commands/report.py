"""``nascale report``: one HTML file about a study."""

from __future__ import annotations

import click

from nascale.options import axes_options, storage_option, study_argument
from nascale.output import echo
from results.files import file_name, write_file


@click.command("report")
@study_argument
@axes_options
@storage_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The HTML file.  [default: STUDY.html]",
)
def command(study: str, x: str | None, y: str | None, storage: str | None, output: str | None) -> None:
    """One HTML file about STUDY that opens without a network: front, networks, progress, how to repeat it."""
    from nascale.repeat import repeat_command
    from results.report.report import write_report

    if output is None:
        output = f"{file_name(study)}.html"
    write_file(output, write_report(study, storage, x=x, y=y, repeat=repeat_command).encode())
    echo(output)
