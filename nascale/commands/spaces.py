"""``nascale spaces``: what there is to search, and what a space costs before anything is spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nascale.options import setting_options
from nascale.output import echo, emit, table_options
from nascale.search_text import statistics_lines
from search.settings import Budgets
from space.errors import InputError
from space.limits import LARGEST_SEED
from space.search_space import SearchSpace

if TYPE_CHECKING:
    from evaluators.table import TableEvaluator


@click.command("spaces")
@click.argument("name", required=False)
@click.option("--resolution", type=click.IntRange(min=1), help="Side of the images in pixels.")
@click.option("--in-channels", type=click.IntRange(min=1), help="Channels of the images.  [default: 3]")
@click.option("--classes", type=click.IntRange(min=1), help="Classes to tell apart.  [default: 10]")
@setting_options(
    Budgets, help={"max_latency": "Latency at most, where NAME is the spec of a table that knows it."}
)
@click.option(
    "--samples",
    type=click.IntRange(min=2, max=1_000_000),
    default=1000,
    show_default=True,
    help="Networks to draw.",
)
@click.option(
    "--seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True, help="Seed of the draws."
)
@click.option("--decisions", is_flag=True, help="List the decisions instead.")
@table_options
def command(
    name: str | None,
    resolution: int | None,
    in_channels: int | None,
    classes: int | None,
    samples: int,
    seed: int,
    decisions: bool,
    format_: str | None,
    output: str | None,
    **budgets: Any,
) -> None:
    """The search spaces; with a NAME its size, the range of its costs and the share within budgets.

    NAME may also be a .toml file that writes a space down, or that describes a table of results.
    """
    if name is None:
        emit(_listed(), format_, output)
        return
    from search.candidate_cache import CandidateCache
    from search.space_statistics import check_budgets, space_statistics

    given = {"resolution": resolution, "in_channels": in_channels, "classes": classes}
    chosen = Budgets(**budgets)
    images = {argument: value for argument, value in given.items() if value is not None}
    space, table = _named(name, images, chosen)
    if decisions:
        emit(_decisions(space), format_, output)
        return
    if table is None and chosen.max_latency is not None:
        raise InputError.of("max_latency", "the spec of a table that knows it", name)
    cache = CandidateCache(space, chosen, table)
    found = space_statistics(cache, seed, samples)
    check_budgets(cache, seed)
    if format_ in (None, "table") and output is None:
        for line in statistics_lines(found, chosen):
            echo(line)
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


def _named(name: str, images: dict[str, int], budgets: Budgets) -> tuple[SearchSpace, TableEvaluator | None]:
    """The space, and the table that it is of. Raises InputError for ``images`` where a table is asked."""
    from nascale.spaces import search_space, space_value, table_of

    settings = table_of(name)
    if settings is None:
        channels, classes = images.get("in_channels", 3), images.get("classes", 10)
        space = search_space(space_value(name), images.get("resolution"), channels, classes, budgets)
        return space, None
    for argument, value in images.items():
        raise InputError.of(argument, f"none for the table of {name}", value)
    from evaluators.table_file import open_table

    table = open_table(settings)
    return table.space, table


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
