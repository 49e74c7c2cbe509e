"""A family of scaled networks as rows and as files: an architecture each, and the picture of all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nascale.quantities import kind_of_cost
from results.files import write_file
from space.architecture import Architecture
from space.codec import to_json
from space.cost import costs
from space.errors import InputError
from space.family import Member
from space.rounding import RELEASED

REALISED = ("realised_depth", "realised_width", "realised_resolution")
"""The columns of what depth, width and resolution have really grown by."""

REACHED = ("phi_depth", "phi_width", "phi_resolution")
"""The columns of the φ that each of them has reached."""


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")


def member_name(base: Architecture, member: Member, measure: str) -> str:
    """The name of a member: that of the network, and the budget of ``measure`` or the φ that it was scaled to."""
    if member.budget is None:
        return f"{base.label} phi={member.phi:g}"
    unit = {"bytes": "B", "seconds": "s", "count": ""}[kind_of_cost(measure)]
    for scale, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if member.budget >= scale:
            return f"{base.label} {member.budget / scale:.6g}{suffix}{unit}"
    return f"{base.label} {member.budget:.6g}{unit}"


def member_row(
    member: Member, network: Architecture, measure: str, *, batch: int = 1, rounding: str = RELEASED.name
) -> dict[str, Any]:
    """What is said of a member: its budget of ``measure``, what it was multiplied by, and its costs.

    ``depth``, ``width`` and ``nominal_resolution`` are the nominal factors α^φ, β^φ and γ^φ, ``resolution`` is in
    pixels; ``realised_depth``, ``realised_width`` and ``realised_resolution`` are what came out of rounding, ``phi_depth``, ``phi_width`` and
    ``phi_resolution`` the φ that each has reached (None where it does not scale). ``spread`` is the largest less the
    smallest of these, without the dimensions that are ``held``.
    """
    counted = costs(network, batch=batch)
    depth, width, pixels = member.nominal
    row: dict[str, Any] = {
        "name": network.name,
        "budget": member.budget,
        "measure": measure,
        "phi": member.phi,
        "depth": depth,
        "width": width,
        "resolution": network.resolution,
        "nominal_resolution": pixels,
        **dict(zip(REALISED, member.realised, strict=True)),
        **dict(zip(REACHED, member.direction.exponents, strict=True)),
        "spread": member.direction.spread,
        "held": ", ".join(member.direction.held),
        "layers": sum(member.plan.repeats),
        **counted.searched(),
    }
    if measure == "latency_seconds":
        row["latency_seconds"] = member.cost
    return row | {
        "used": None if member.budget is None else member.used,
        "note": member.note,
        "rounding": rounding,
        "key": network.key,
    }


def write_family(
    folder: Path,
    base: Architecture,
    networks: Sequence[Architecture],
    rows: list[dict[str, Any]],
    measure: str,
    argument: str = "--write",
) -> None:
    """Writes the architectures as JSON, a file each, and the picture; each row gets its file's name.

    Raises InputError (``argument``) where the folder cannot be written.
    """
    from results.plots.picture import save
    from results.plots.scaling import family_figure

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError.of(argument, "a folder that can be made", f"{folder} ({error.strerror})") from None
    for network, row in zip(networks, rows, strict=True):
        file = folder / f"{_slug(network.name)}.json"
        write_file(file, (to_json(network) + "\n").encode(), argument)
        row["file"] = str(file)
    figure = family_figure(base.label, costs(base).searched(), rows, measure)
    save(figure, folder / "family.png", argument)
