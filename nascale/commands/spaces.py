"""``nascale spaces``: what there is to search, and what a space costs before anything is spent."""

from __future__ import annotations

from typing import Any

import click

from nascale.options import setting_options
from nascale.output import emit, table_options
from nascale.search_text import statistics_lines
from search.settings import Budgets
from space.search_space import SearchSpace


@click.command("spaces")
@click.argument("name", required=False)
@click.option("--resolution", type=click.IntRange(min=1), help="Side of the images in pixels.")
@click.option(
    "--in-channels", type=click.IntRange(min=1), default=3, show_default=True, help="Channels of the images."
)
@click.option(
    "--classes", type=click.IntRange(min=1), default=10, show_default=True, help="Classes to tell apart."
)
@setting_options(Budgets, without=("max_latency",))
@click.option(
    "--samples",
    type=click.IntRange(min=2, max=1_000_000),
    default=1000,
    show_default=True,
    help="Networks to draw.",
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
    if name is None:
        emit(_listed(), format_, output)
        return
    from nascale.spaces import search_space, space_value
    from search.candidate_cache import CandidateCache
    from search.space_statistics import check_budgets, space_statistics

    space = search_space(space_value(name), resolution, in_channels, classes)
    if decisions:
        emit(_decisions(space), format_, output)
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


def _listed() -> list[dict[str, Any]]:
    """One row for each known space."""
    from space.spaces import SPACES
    from space.spaces import space as known

    return [
        {
            "space": space.name,
            "decisions": len(space.decisions),
            "conditional": sum(d.parent is not None for d in space.decisions),
            "size": space.size,
        }
        for space in map(known, SPACES)
    ]


def _decisions(space: SearchSpace) -> list[dict[str, str]]:
    """One row for each decision: its options, and when it is active."""
    return [
        {
            "decision": d.name,
            "options": ", ".join(map(str, d.options)),
            "active": "always" if d.parent is None else f"{d.parent} = {' or '.join(map(str, d.when))}",
        }
        for d in space.decisions
    ]
