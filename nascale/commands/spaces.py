"""``nascale spaces``: what there is to search, and what a space costs before anything is spent."""

from __future__ import annotations

from typing import Any

import click

from nascale.output import emit, table_options
from nascale.quantities import Quantity
from nascale.statistics_text import statistics_lines


@click.command("spaces")
@click.argument("name", required=False)
@click.option("--resolution", type=click.IntRange(min=1), help="Side of the images in pixels.")
@click.option(
    "--in-channels", type=click.IntRange(min=1), default=3, show_default=True, help="Channels of the images."
)
@click.option(
    "--classes", type=click.IntRange(min=1), default=10, show_default=True, help="Classes to tell apart."
)
@click.option("--max-macs", type=Quantity(), help="Budget on multiply-accumulates.")
@click.option("--max-flops", type=Quantity(), help="Budget on floating-point operations.")
@click.option("--max-params", type=Quantity(), help="Budget on parameters.")
@click.option("--max-memory", type=Quantity("bytes"), help="Budget on activation memory, one image.")
@click.option(
    "--samples", type=click.IntRange(min=2), default=1000, show_default=True, help="Networks to draw."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the draws.")
@click.option("--decisions", is_flag=True, help="List the decisions instead.")
@table_options
def command(
    name: str | None,
    resolution: int | None,
    in_channels: int,
    classes: int,
    samples: int,
    seed: int,
    decisions: bool,
    format_: str | None,
    output: str | None,
    **budgets: Any,
) -> None:
    """The search spaces; with a NAME its size, the range of its costs and the share within budgets.

    NAME may also be a .toml file that writes a space down.
    """
    from space.spaces import SPACES
    from space.spaces import space as space_of

    if name is None:
        listed = [space_of(known) for known in SPACES]
        rows = [
            {
                "space": s.name,
                "decisions": len(s.decisions),
                "conditional": sum(d.parent is not None for d in s.decisions),
                "size": s.size,
            }
            for s in listed
        ]
        emit(rows, format_, output)
        return
    from nascale.written_space import search_space, space_text
    from search.candidate_cache import CandidateCache
    from search.settings import Budgets
    from search.space_statistics import check_budgets, space_statistics

    space = search_space(space_text(name), resolution, in_channels, classes)
    if decisions:
        emit(
            [
                {
                    "decision": d.name,
                    "options": ", ".join(map(str, d.options)),
                    "active": "always"
                    if d.parent is None
                    else f"{d.parent} = {' or '.join(map(str, d.when))}",
                }
                for d in space.decisions
            ],
            format_,
            output,
        )
        return
    chosen = Budgets(**budgets)
    cache = CandidateCache(space, chosen)
    found = space_statistics(cache, seed, samples)
    check_budgets(cache, seed)
    if format_ in (None, "table") and output is None:
        for line in statistics_lines(found, chosen):
            click.echo(line)
        return
    shares = {f"share_{k.removeprefix('max_')}": v for k, v in found.shares.items()}
    emit(
        [
            {
                "space": space.name,
                "size": space.size,
                "networks": found.networks,
                "seed": seed,
                **row,
                **shares,
            }
            for row in found.rows()
        ],
        format_,
        output,
    )
