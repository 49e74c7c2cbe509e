"""``nascale compare``: several searches side by side."""

from __future__ import annotations

import click

from nascale.options import axes_options, plot_option, storage_option
from nascale.output import echo, emit, table_options
from nascale.quantities import parse_list
from space.errors import InputError


@click.command("compare")
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@axes_options
@click.option(
    "--reference",
    metavar="Y,X",
    help="Reference point of the hypervolume, e.g. 0.5,10M.  [default: the worst of all finished trials]",
)
@plot_option("Draw it")
@storage_option
@table_options
def command(
    studies: tuple[str, ...],
    x: str | None,
    y: str | None,
    reference: str | None,
    plot: str | None,
    storage: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """Several searches: best value and hypervolume, against trials and evaluation time.

    The hypervolume is the share of the box between the reference point and the best value of each axis that
    the front covers. The columns *_at_common compare after as many trials as the shortest search has.
    """
    from results.comparison import compare
    from results.frame import trials

    point = None
    if reference is not None:
        point = parse_list(reference, argument="--reference")
        if len(point) != 2:
            raise InputError.of("--reference", "two numbers, such as 0.5,10M", reference)
    frames = {name: trials(name, storage) for name in dict.fromkeys(studies)}
    result = compare(frames, x=x, y=y, reference=point)
    if plot:
        from results.plots.comparison import comparison_figure
        from results.plots.picture import save

        echo(str(save(comparison_figure(result), plot, "--plot")), err=True)
    if result.table["front"].any():
        echo(f"reference of the hypervolume: {result.reference_text}", err=True)
    else:
        echo("no finished trial to compare by", err=True)
    emit(result.table, format_, output)
