"""What other papers published about scaling, counted: networks beside the figures, and how far these are off."""

from __future__ import annotations

from math import log
from typing import Any

from nascale.output import echo, emit
from nascale.quantities import human_count
from space.cost import costs
from space.errors import RunError
from space.published_scaling import Paper, Scaled

Row = dict[str, Any]


def paper_rows(paper: Paper) -> list[Row]:
    """A row for each network: its factors, published and counted params and MACs, and growth against the base."""
    own = costs(paper.base())
    return [_row(one, own.macs, own.activations, paper) for one in paper.networks]


def _row(one: Scaled, own_macs: int, own_activations: int, paper: Paper) -> Row:
    counted = costs(one.make())
    growth = counted.macs / own_macs
    row: Row = {
        "name": one.name,
        "depth": one.depth,
        "width": one.width,
        "resolution": one.resolution,
        "published_params": one.params,
        "params": counted.params,
        "params_off": None if one.params is None else counted.params / one.params - 1,
        "published_macs": one.macs,
        "macs": counted.macs,
        "macs_off": None if one.macs is None else counted.macs / one.macs - 1,
        "activations": counted.activations,
        "growth": growth,
        "activation_growth": counted.activations / own_activations,
        "activation_power": log(counted.activations / own_activations) / log(growth) if growth != 1 else None,
        "promised_activation_growth": one.activations,
    }
    off = [abs(row[name]) for name in ("params_off", "macs_off") if row[name] is not None]
    return row | {"agrees": max(off) <= paper.tolerance if off else None, "source": paper.source}


def print_paper(paper: Paper, chosen: str, output: str | None, check: bool) -> None:
    """Prints or writes the comparison; with ``check``, raises RunError where a count is not what was published."""
    rows = paper_rows(paper)
    published = any(row["published_macs"] for row in rows)
    shown = ["name", "depth", "width", "resolution"]
    shown += (
        ["published_params", "params", "params off %", "published_macs", "macs", "macs off %"]
        if published
        else ["params", "macs", "growth", "activation growth", "rule's", "power of the growth"]
    )
    emit(
        [_for_the_eye(row) for row in rows] if chosen == "table" else rows,
        chosen,
        output,
        columns=shown,
        title=f"{paper.name}: {paper.source}",
    )
    if chosen == "table" and output is None:
        echo(f"{paper.rule}.")
    if check:
        wrong = [row["name"] for row in rows if row["agrees"] is False]
        if wrong:
            raise RunError(f"--check: params or macs are not the published ones for {', '.join(wrong)}")
        told = (
            f"within {paper.tolerance:.0%} of the published" if published else "counted; none were published"
        )
        echo(f"check: params and macs of all {len(rows)} networks are {told}", err=True)


def _for_the_eye(row: Row) -> Row:
    def percent(name: str) -> str | None:
        return None if row[name] is None else f"{100 * row[name]:+.1f}"

    def count(name: str) -> str | None:
        return None if row[name] is None else human_count(row[name])

    power = row["activation_power"]
    promised = row["promised_activation_growth"]
    return {
        **row,
        "depth": f"{row['depth']:.2f}",
        "width": f"{row['width']:.2f}",
        "published_params": count("published_params"),
        "published_macs": count("published_macs"),
        "params off %": percent("params_off"),
        "macs off %": percent("macs_off"),
        "growth": f"{row['growth']:.2f}",
        "activation growth": f"{row['activation_growth']:.2f}",
        "rule's": None if promised is None else f"{promised:.2f}",
        "power of the growth": None if power is None else f"{power:.2f}",
    }
