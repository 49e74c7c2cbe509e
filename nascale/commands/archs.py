"""``nascale archs``: the known networks and what they cost."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict
from typing import Any

import click

from nascale.options import setting_options
from nascale.output import echo, emit, table_options
from nascale.quantities import human_cost
from search.settings import Budgets
from space.cost import SEARCHED_COSTS, costs
from space.errors import UnknownNameError
from space.zoo import ZOO

_SHOWN = ("name", "resolution", "params", "macs", "flops", "activation_bytes")
_SORTS = ("name", *(cost.name for cost in SEARCHED_COSTS))


@click.command("archs")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@setting_options(Budgets, without=("max_latency",))
@click.option("--sort", type=click.Choice(_SORTS), help="Cheapest first by this column.  [default: by kind]")
@table_options
def command(
    patterns: tuple[str, ...],
    sort: str | None,
    format_: str | None,
    output: str | None,
    **limits: Any,
) -> None:
    """The known networks within the limits, all or those whose names match a PATTERN such as "resnet*".

    Each takes settings behind an @: width, depth, resolution, classes, in_channels and drop_path, as in
    mobilenet_v2@width=1.4,resolution=192.
    """
    budgets = Budgets(**limits)
    limited = [cost for cost, _ in budgets.bounds().values()]
    for cost, bound in budgets.bounds().values():
        echo(f"{cost} ≤ {human_cost(cost, bound)}", err=True)
    rows = []
    for name in _matching(patterns):
        network = ZOO[name]()
        known = asdict(costs(network))
        if not budgets.exceeded(known):
            source = ZOO[name].source
            rows.append({"name": name, "resolution": network.resolution, **known, "source": source})
    if sort:
        rows.sort(key=lambda row: row[sort])
    emit(
        rows,
        format_,
        output,
        columns=list(dict.fromkeys([*_SHOWN, *limited, sort or "name", "source"])),
    )


def _matching(patterns: tuple[str, ...]) -> list[str]:
    """The names that match one of ``patterns``, in the zoo's order; all where there are none."""
    if not patterns:
        return list(ZOO)
    for pattern in patterns:
        if not fnmatch.filter(ZOO, pattern):
            raise UnknownNameError("PATTERN", pattern, ZOO)
    return [name for name in ZOO if any(fnmatch.fnmatchcase(name, p) for p in patterns)]
