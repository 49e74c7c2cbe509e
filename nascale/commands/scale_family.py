"""``nascale scale family``: a network scaled to given budgets or to given φ."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from nascale.architectures import resolve
from nascale.family_files import member_name, member_row, write_family
from nascale.options import storage_option
from nascale.output import chosen_format, echo, emit, table_options
from nascale.quantities import human_cost, kind_of_cost, parse_list
from nascale.scaling_options import coefficient_options, rounding_of, rounding_options
from search.settings import Budgets
from space.architecture import Architecture
from space.cost import SEARCHED_COSTS, costs
from space.errors import InputError
from space.family import member_at, member_for
from space.scaling import Coefficients
from space.setting import declared


def _measures() -> dict[str, str]:
    """What a family's budgets may bound, by the name of the search's budget; other costs by a name like those."""
    names = {
        item.metadata["bounds"]: name.removeprefix("max_").replace("_", "-")
        for name, item in declared(Budgets).items()
    }
    for cost in SEARCHED_COSTS:
        names.setdefault(cost.name, cost.name.replace("_bytes", "-memory"))
    return {name: cost for cost, name in names.items()}


MEASURES = _measures()
"""Name → cost: ``memory`` → ``activation_bytes``."""
# A latency is measured, so it may not be asked for thousands of networks.
_MEASUREMENTS = 60
_LONGEST_LATENCY = 60
_MOST_MEMBERS = 100


@click.command("family")
@click.argument("arch")
@click.option("--budgets", metavar="LIST", help="Budgets of --measure, e.g. 0.4G,0.8G,1.6G (or 8MB, or 5ms).")
@click.option("--phi", "phis", metavar="LIST", help="φ instead of budgets: 0..7, or -2,0,1.5.")
@click.option(
    "--measure",
    type=click.Choice(list(MEASURES)),
    default="macs",
    show_default=True,
    help="What a budget bounds; memory is the peak of activations at inference, latency is measured here.",
)
@coefficient_options
@rounding_options
@click.option(
    "--pixels", type=int, default=8, show_default=True, help="Pixels of one small move of the resolution."
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Images, for memory and latency.",
)
@click.option(
    "--write", "folder", metavar="DIR", help="Write the architectures (.json) and a picture to this folder."
)
@storage_option
@table_options
def command(
    arch: str,
    budgets: str | None,
    phis: str | None,
    measure: str,
    alpha: float,
    beta: float,
    gamma: float,
    policy: str,
    channel_multiple: int | None,
    resolution_multiple: int | None,
    repeats: str | None,
    pixels: int,
    batch: int,
    folder: str | None,
    storage: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """The family of ARCH: one network for each budget, or for each φ.

    For a budget, φ is the largest whose real, rounded network stays under it; what rounding leaves is spent in
    small moves (a layer in a stage, one channel step in a part, a few pixels). No budget is ever exceeded.
    Negative φ, or a budget below ARCH's own cost, gives smaller networks.
    """
    if (budgets is None) == (phis is None):
        raise InputError("--budgets, --phi: wanted one of the two")
    base = resolve(arch, storage)
    coefficients = Coefficients(alpha, beta, gamma)
    rounding = rounding_of(policy, channel_multiple, resolution_multiple, repeats)
    cost = _cost(measure, batch)
    if budgets is not None:
        bounds = parse_list(budgets, kind_of_cost(MEASURES[measure]), "--budgets")
        if len(bounds) > _MOST_MEMBERS:
            raise InputError(f"--budgets: wanted at most {_MOST_MEMBERS} budgets, got {len(bounds)}")
        if measure == "latency" and max(bounds) > _LONGEST_LATENCY:
            wanted = f"latencies of at most {_LONGEST_LATENCY} s, because networks are run to measure them"
            raise InputError.of("--budgets", wanted, budgets)
        members = [
            member_for(
                base,
                bound,
                cost,
                measure=MEASURES[measure],
                coefficients=coefficients,
                rounding=rounding,
                pixels=pixels,
                evaluations=_MEASUREMENTS if measure == "latency" else 2000,
            )
            for bound in bounds
        ]
    else:
        members = [
            member_at(base, phi, cost, coefficients=coefficients, rounding=rounding)
            for phi in _phis(phis or "")
        ]
    bounded = MEASURES[measure]
    named = [member.architecture.replace(name=member_name(base, member, bounded)) for member in members]
    rows = [
        member_row(m, n, bounded, batch=batch, rounding=rounding.name)
        for m, n in zip(members, named, strict=True)
    ]
    if folder is not None:
        write_family(Path(folder), base, named, rows, bounded)
        echo(f"wrote {len(rows)} architectures and family.png to {folder}/", err=True)
    chosen = chosen_format(format_, output)
    shown = [
        "budget",
        "phi",
        "depth",
        "width",
        "resolution",
        "layers",
        "params",
        "macs",
        MEASURES[measure],
        "used",
    ]
    emit(
        [_for_the_eye(row) for row in rows] if chosen == "table" else rows,
        chosen,
        output,
        columns=[*dict.fromkeys(shown), "moves", "note"],
        title=f"{base.label} scaled by α {alpha:g}, β {beta:g}, γ {gamma:g}; rounding {rounding}",
    )


def _cost(measure: str, batch: int) -> Callable[[Architecture], float]:
    if measure != "latency":
        return lambda architecture: float(costs(architecture, batch=batch).searched()[MEASURES[measure]])
    from evaluators.latency import latency

    measured: dict[str, float] = {}

    def seconds(architecture: Architecture) -> float:
        if architecture.key not in measured:
            measured[architecture.key] = latency(
                architecture, batch=batch, repeats=15, warmup=3
            ).median_seconds
        return measured[architecture.key]

    return seconds


def _phis(text: str) -> list[float]:
    """``0..7`` or a comma-separated list."""
    span = re.fullmatch(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*", text)
    if span is not None and len(text) <= 40:
        first, last = int(span[1]), int(span[2])
        if last - first >= _MOST_MEMBERS:
            raise InputError.of("--phi", f"at most {_MOST_MEMBERS} values", text)
        return [float(phi) for phi in range(first, last + 1)] or [float(first)]
    try:
        found = [float(part) for part in text.split(",") if part.strip()] or [float(text)]
    except ValueError:
        raise InputError.of("--phi", "numbers such as 0..7 or -1,0,2.5", text) from None
    if len(found) > _MOST_MEMBERS:
        raise InputError.of("--phi", f"at most {_MOST_MEMBERS} values", text)
    return found


def _for_the_eye(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its budget in the unit of what it bounds."""
    budget = row["budget"]
    return row | {"budget": None if budget is None else human_cost(row["measure"], budget)}
