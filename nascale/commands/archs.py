"""``nascale archs``: the known networks and what they cost."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict

import click

from nascale.output import emit, table_options
from nascale.quantities import Quantity, human_bytes, human_count
from space.cost import costs
from space.errors import UnknownNameError
from space.zoo import ZOO

_LIMITS = {"max_params": "params", "max_macs": "macs", "max_flops": "flops", "max_memory": "activation_bytes"}
_SORTS = ("name", "params", "macs", "flops", "activation_bytes")


@click.command("archs")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option(
    "--max-params", type=Quantity(), metavar="N", help="Keep networks of at most so many parameters."
)
@click.option("--max-macs", type=Quantity(), metavar="N", help="… multiply-accumulates (two FLOPs each).")
@click.option("--max-flops", type=Quantity(), metavar="N", help="… floating-point operations.")
@click.option(
    "--max-memory", type=Quantity("bytes"), metavar="BYTES", help="… of activations, one float32 image."
)
@click.option("--sort", type=click.Choice(_SORTS), help="Cheapest first by this column.  [default: by kind]")
@table_options
def command(
    patterns: tuple[str, ...],
    sort: str | None,
    format_: str | None,
    output: str | None,
    **limits: float | None,
) -> None:
    """The known networks, all or those whose names match a PATTERN such as "resnet*".

    Each takes settings behind an @: width, depth, resolution, classes, in_channels and drop_path, as in
    mobilenet_v2@width=1.4,resolution=192.
    """
    names = _matching(patterns)
    rows = []
    for name in names:
        network = ZOO[name]()
        cost = asdict(costs(network))
        kept = ("params", "macs", "flops", "activations", "activation_bytes", "auxiliary_params")
        rows.append(
            {
                "name": name,
                "resolution": network.resolution,
                **{k: cost[k] for k in kept},
                "source": ZOO[name].source,
            }
        )
    for option, column in _LIMITS.items():
        limit = limits[option]
        if limit is not None:
            write = human_bytes if column.endswith("bytes") else human_count
            click.echo(f"{column} ≤ {write(limit)}", err=True)
            rows = [row for row in rows if row[column] <= limit]
    if sort:
        rows.sort(key=lambda row: row[sort])
    emit(
        rows,
        format_,
        output,
        columns=["name", "resolution", "params", "macs", "flops", "activation_bytes", "source"],
    )


def _matching(patterns: tuple[str, ...]) -> list[str]:
    """The names that match one of ``patterns``, in the zoo's order; all where there are none."""
    if not patterns:
        return list(ZOO)
    for pattern in patterns:
        if not fnmatch.filter(ZOO, pattern):
            raise UnknownNameError("PATTERN", pattern, ZOO)
    return [name for name in ZOO if any(fnmatch.fnmatchcase(name, p) for p in patterns)]
