"""``nascale scale family``: a network scaled to given budgets or to given φ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nascale.architectures import images_side, resolve
from nascale.family_files import REALISED, member_name, member_row, write_family
from nascale.options import storage_option
from nascale.output import chosen_format, echo, emit, table_options
from nascale.quantities import human_cost, kind_of_cost, parse_list
from nascale.scaling_options import coefficient_options, rounding_of, rounding_options, rule_option, ruled
from search.settings import Budgets
from space.architecture import Architecture
from space.codec import to_dict
from space.cost import SEARCHED_COSTS, costs
from space.errors import InputError
from space.family import Member, family, measured_family, member_at
from space.setting import declared

if TYPE_CHECKING:
    from search.scaling.prediction import LawPrediction


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
EXPECTED = "expected accuracy"
NOMINAL, GROWN = "rule d w r", "realised d w r"
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
@rule_option
@coefficient_options
@rounding_options
@click.option(
    "--pixels",
    type=click.IntRange(min=1),
    help="Pixels of one step of the resolution.  [default: the largest power of two up to a 32nd of ARCH's]",
)
@click.option(
    "--max-resolution",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Where the resolution stops; depth and width share the rest.  "
    "[default: the size of the images themselves for a trial of a study, else none]",
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
@click.option(
    "--law",
    metavar="FIT.json",
    help="What scale fit --format json wrote for ARCH: adds the accuracy to be expected of each member.",
)
@storage_option
@table_options
@click.pass_context
def command(
    context: click.Context,
    arch: str,
    budgets: str | None,
    phis: str | None,
    measure: str,
    rule: str | None,
    alpha: float,
    beta: float,
    gamma: float,
    policy: str,
    channel_multiple: int | None,
    resolution_multiple: int | None,
    repeats: str | None,
    pixels: int | None,
    max_resolution: int | None,
    batch: int,
    folder: str | None,
    law: str | None,
    storage: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """The family of ARCH: one network for each budget, or for each φ.

    A member uses 97–100 % of its budget, never more, and of all networks that do it is the one whose depth, width and
    resolution have grown most alike: the least spread of the φ that each has reached. No member has fewer layers in a
    stage, fewer channels or fewer pixels than a smaller one. Negative φ, or a budget below ARCH's own cost, gives
    smaller networks.
    """
    if (budgets is None) == (phis is None):
        raise InputError("--budgets, --phi: wanted one of the two")
    base = resolve(arch, storage)
    coefficients, policy = ruled(context, rule, (alpha, beta, gamma), policy)
    predictor = _predictor(law)
    rounding = rounding_of(policy, channel_multiple, resolution_multiple, repeats)
    most = _most_pixels(base, max_resolution, images_side(arch, storage))
    if budgets is not None:
        bounds = parse_list(budgets, kind_of_cost(MEASURES[measure]), "--budgets")
        if len(bounds) > _MOST_MEMBERS:
            raise InputError(f"--budgets: wanted at most {_MOST_MEMBERS} budgets, got {len(bounds)}")
        if measure == "latency" and max(bounds) > _LONGEST_LATENCY:
            wanted = f"latencies of at most {_LONGEST_LATENCY} s, because networks are run to measure them"
            raise InputError.of("--budgets", wanted, budgets)
        settings: dict[str, Any] = {
            "measure": MEASURES[measure],
            "coefficients": coefficients,
            "rounding": rounding,
            "pixels": pixels,
            "max_resolution": most,
        }
        if measure == "latency":
            members = measured_family(base, bounds, _latency(batch), _counted("macs", batch), **settings)
        else:
            members = family(base, bounds, _counted(MEASURES[measure], batch), **settings)
    else:
        cost = _latency(batch) if measure == "latency" else _counted(MEASURES[measure], batch)
        members = tuple(
            member_at(base, phi, cost, coefficients=coefficients, rounding=rounding, max_resolution=most)
            for phi in _phis(phis or "")
        )
    bounded = MEASURES[measure]
    named = [member.architecture.replace(name=member_name(base, member, bounded)) for member in members]
    rows = [
        member_row(m, n, bounded, batch=batch, rounding=rounding.name)
        for m, n in zip(members, named, strict=True)
    ]
    if predictor is not None:
        rows = [row | _predicted(predictor, member) for row, member in zip(rows, members, strict=True)]
    if folder is not None:
        write_family(Path(folder), base, named, rows, bounded)
        echo(f"wrote {len(rows)} architectures and family.png to {folder}/", err=True)
    chosen = chosen_format(format_, output)
    shown = ["budget", "phi", NOMINAL, GROWN, "spread", "resolution", "layers", "params", "macs"]
    if chosen == "json":
        rows = [row | {"architecture": to_dict(network)} for row, network in zip(rows, named, strict=True)]
    emit(
        [_for_the_eye(row) for row in rows] if chosen == "table" else rows,
        chosen,
        output,
        columns=[
            *dict.fromkeys([*shown, MEASURES[measure]]),
            "used",
            *([] if predictor is None else [EXPECTED]),
            "note",
        ],
        title=f"{base.label} scaled by α {coefficients.alpha:.4g}, β {coefficients.beta:.4g}, γ {coefficients.gamma:.4g}; "
        f"rounding {rounding}",
    )


def _predictor(law: str | None) -> LawPrediction | None:
    if law is None:
        return None
    from search.scaling.prediction import LawPrediction

    return LawPrediction.read(law)


def _predicted(law: LawPrediction, member: Member) -> dict[str, Any]:
    """The accuracy that the law expects of a member, and of what it knows nothing."""
    expected, unknown = law.predicted(member.realised), law.unknown(member.realised)
    notes = [member.note, f"the law knows nothing of {', '.join(unknown)}" if unknown else ""]
    return {
        "predicted_accuracy": expected.value,
        "predicted_low": expected.low,
        "predicted_high": expected.high,
        "note": "; ".join(filter(None, notes)),
    }


def _most_pixels(base: Architecture, asked: int | None, own: int | None) -> int | None:
    """Where the resolution stops: as ``asked``, or at the images' ``own`` side, but not below the network's."""
    if asked is not None and asked < base.resolution:
        raise InputError.of(
            "--max-resolution", f"at least {base.resolution}, the pixels of {base.label}", asked
        )
    return asked or own


def _counted(name: str, batch: int) -> Callable[[Architecture], float]:
    return lambda architecture: float(costs(architecture, batch=batch).searched()[name])


def _latency(batch: int) -> Callable[[Architecture], float]:
    """Seconds of a network on this machine, measured once."""
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
    """The row with its budget in the unit of what it bounds, and factors side by side."""
    budget, gamma = row["budget"], row["nominal_resolution"]
    return row | {
        "budget": None if budget is None else human_cost(row["measure"], budget),
        "phi": f"{row['phi']:.2f}",
        NOMINAL: " ".join(f"{factor:.2f}" for factor in (row["depth"], row["width"], gamma)),
        GROWN: " ".join(f"{row[name]:.2f}" for name in REALISED),
        "spread": f"{row['spread']:.2f}",
        EXPECTED: _percent(row),
    }


def _percent(row: Mapping[str, Any]) -> str | None:
    """The expected accuracy with its interval; None where there is none."""
    if "predicted_accuracy" not in row:
        return None
    value, low, high = (100 * row[f"predicted_{name}"] for name in ("accuracy", "low", "high"))
    return f"{value:.1f} % ({low:.1f}–{high:.1f})"
