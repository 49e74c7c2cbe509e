"""``nascale scale reproduce``: EfficientNet as printed, as released, and as the formula has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from nascale.options import plot_option
from nascale.output import chosen_format, echo, emit, table_options
from nascale.paper_comparison import print_paper
from nascale.quantities import human_count
from nascale.scaling_options import coefficient_options, rounding_of, rounding_options
from results.files import write_file
from space.cost import costs
from space.efficientnet_figures import LITE_NETWORKS, RELEASED_NETWORKS, Published
from space.errors import InputError, RunError
from space.published_scaling import PAPERS
from space.scaling import Coefficients, compound, layers
from space.zoo import architecture

Row = dict[str, Any]
_SHOWN = (
    *("name", "depth", "width", "resolution", "paper_params", "params", "paper_macs", "macs"),
    *("macs off %", "phi", "fits", "formula d / w / r", "formula_params", "formula_macs", "formula off %"),
)


@click.command("reproduce")
@click.option(
    "--paper",
    type=click.Choice(["efficientnet", *PAPERS]),
    default="efficientnet",
    show_default=True,
    help="Whose networks: EfficientNet's, or those of another paper on scaling.",
)
@coefficient_options
@rounding_options
@click.option(
    "--depth-tolerance", type=float, default=0.05, show_default=True, help="Counts as the released depth."
)
@click.option(
    "--width-tolerance", type=float, default=0.05, show_default=True, help="Counts as the released width."
)
@click.option(
    "--pixels-tolerance",
    type=float,
    default=8.0,
    show_default=True,
    help="Counts as the released resolution.",
)
@click.option(
    "--infer", is_flag=True, help="The reverse: which α, β, γ, with a φ each, explain B0–B8 at once."
)
@click.option("--check", is_flag=True, help="Exit with status 1 if params or MACs leave the known values.")
@plot_option("Draw it")
@table_options
def command(
    paper: str,
    alpha: float,
    beta: float,
    gamma: float,
    policy: str,
    channel_multiple: int | None,
    resolution_multiple: int | None,
    repeats: str | None,
    depth_tolerance: float,
    width_tolerance: float,
    pixels_tolerance: float,
    infer: bool,
    check: bool,
    plot: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """EfficientNet B0–B8, L2 and Lite: the paper's figures, the released networks, the formula; or another paper's.

    Every network is B0 scaled by its released coefficients; beside it stands the formula (α^φ, β^φ, γ^φ) at
    the φ that fits best. macs are multiply–accumulates, which is what the paper calls FLOPS.

    --paper tinynet, resnet-rs and fast build the networks of these papers from their coefficients and count them beside
    the published figures; of the other options --check, --format and -o go with them.
    """
    if paper != "efficientnet":
        if infer or plot:
            raise InputError(
                f"--{'infer' if infer else 'plot'}: wanted only with --paper efficientnet, got {paper}"
            )
        print_paper(PAPERS[paper], chosen_format(format_, output), output, check)
        return
    from search.scaling.released import Tolerance, comparison

    coefficients = Coefficients(alpha, beta, gamma)
    rounding = rounding_of(policy, channel_multiple, resolution_multiple, repeats)
    tolerance = Tolerance(depth_tolerance, width_tolerance, pixels_tolerance)
    if infer:
        _infer(coefficients, tolerance, format_, output)
        return
    base = architecture("efficientnet_b0")
    rows = comparison(base, RELEASED_NETWORKS, coefficients, tolerance, rounding)
    lite = comparison(architecture("efficientnet_lite0"), LITE_NETWORKS, coefficients, tolerance, rounding)
    if plot:
        from results.plots.picture import save
        from results.plots.scaling import reproduce_figure

        save(reproduce_figure(rows[:9]), plot, "--plot")
        echo(f"wrote {plot}", err=True)
    chosen = chosen_format(format_, output)
    every = rows + lite
    emit(
        [_for_the_eye(row) for row in every] if chosen == "table" else every,
        chosen,
        output,
        columns=_SHOWN,
        title=f"EfficientNet: paper, released, and α {alpha:g}, β {beta:g}, γ {gamma:g}; rounding {rounding}",
    )
    if chosen == "table" and output is None:
        for line in explanation(rows, lite, coefficients, tolerance):
            echo(line)
    if check:
        _check(every)


def _for_the_eye(row: Row) -> Row:
    """The row with what belongs together in one column."""
    percent = {
        "macs off %": None if row["macs_off"] is None else f"{100 * row['macs_off']:+.1f}",
        "formula off %": f"{100 * row['formula_macs_off']:+.1f}",
    }
    factors = f"{row['formula_depth']:.2f} / {row['formula_width']:.2f} / {row['formula_resolution']}"
    return {**row, **percent, "formula d / w / r": factors}


def _check(rows: Sequence[Row]) -> None:
    """Raises RunError if a network's params or MACs differ from the known ones."""
    wrong = [row["name"] for row in rows if not row["golden"]]
    if wrong:
        raise RunError(f"--check: params or macs differ from the known values for {', '.join(wrong)}")
    echo(f"check: params and macs of all {len(rows)} networks are the known ones", err=True)


def explanation(
    rows: Sequence[Row], lite: Sequence[Row], coefficients: Coefficients, tolerance: object
) -> list[str]:
    """Where and by how much the released networks depart from the formula, in sentences; every figure computed."""
    base = architecture("efficientnet_b0")
    one = compound(base, 1.0, coefficients.alpha, coefficients.beta, coefficients.gamma)
    ratio = costs(one).macs / costs(base).macs
    before, after = (sum(map(layers, network.stages)) for network in (base, one))
    scaled = [row for row in rows if row["name"] not in ("efficientnet_b0", "efficientnet_l2")]
    follow = [row for row in scaled if row["fits"]]
    depart = [row for row in scaled if not row["fits"]]
    lines = [
        f"1. α·β²·γ² is {coefficients.growth:.3f}, not 2. And one step of φ costs more than that: repeats are "
        f"rounded up, so B0's {before} blocks become {after}, and φ = 1 costs {ratio:.2f} times B0.",
        f"2. Within {tolerance}, {_names(follow)} follow the formula, at φ ≈ "
        f"{', '.join(format(row['phi'], '.2f') for row in follow)}: Bn is not φ = n."
        if follow
        else f"2. Within {tolerance}, no released network follows the formula.",
    ]
    if depart:
        asked = "; ".join(
            f"{_short(row)} {row['phi_depth']:.2f} / {row['phi_width']:.2f} / {row['phi_resolution']:.2f}"
            for row in depart
        )
        lines.append(
            f"3. No φ fits {_names(depart)}: their depth, width and resolution ask for different φ ({asked})."
        )
    lines += _departures(rows, coefficients)
    printed = [row for row in rows if row["rounds_to_print"] is False]
    told = ", ".join(
        f"{_short(row)} {human_count(row['macs'])} against {human_count(row['paper_macs'])} ({row['macs_off']:+.1%})"
        for row in printed
    )
    lines.append(
        "5. The paper's FLOPS are MACs. "
        + (f"These do not round to what it prints: {told}." if told else "All round to what it prints.")
    )
    off = [row["macs_off"] for row in lite]
    lines.append(
        f"6. Lite keeps stem, head and the ends' repeats; its README's multiply-adds are above the count by "
        f"{-max(off):.1%} to {-min(off):.1%}."
    )
    return lines


def _departures(rows: Sequence[Row], coefficients: Coefficients) -> list[str]:
    """What the formula makes of B7 where its name suggests φ = 7."""
    seventh = next(row for row in rows if row["name"] == "efficientnet_b7")
    formula = costs(
        compound(
            architecture("efficientnet_b0"), 7, coefficients.alpha, coefficients.beta, coefficients.gamma
        )
    )
    depth, width, factor = coefficients.factors(7)
    return [
        f"4. At φ = 7 the formula wants depth {depth:.2f}, width {width:.2f}, {224 * factor:.0f} px: "
        f"{human_count(formula.macs)} MACs and {human_count(formula.params)} params. Released as B7 were "
        f"{seventh['depth']:g}, {seventh['width']:g}, {seventh['resolution']} px: {human_count(seventh['macs'])} and "
        f"{human_count(seventh['params'])}."
    ]


def _short(row: Row) -> str:
    return str(row["name"]).removeprefix("efficientnet_").upper()


def _names(rows: Sequence[Row]) -> str:
    return ", ".join(_short(row) for row in rows)


def _infer(coefficients: Coefficients, tolerance: Any, format_: str | None, output: str | None) -> None:
    """Prints the rules that explain all of B0–B8, a φ for each network, and how α of the options fares."""
    from search.scaling.released import growths_with, least_tolerance, phi_interval, region

    networks: Sequence[Published] = RELEASED_NETWORKS[:9]
    growth = coefficients.growth
    found = region(networks, tolerance, growth)
    rule = found.coefficients if found else coefficients
    rows = []
    for network in networks:
        interval = phi_interval(network, rule, tolerance)
        asked = phi_interval(network, coefficients, tolerance)
        rows.append(
            {
                "name": network.name,
                "depth": network.depth,
                "width": network.width,
                "resolution": network.resolution,
                "phi_low": interval and interval[0],
                "phi_high": interval and interval[1],
                "given_phi_low": asked and asked[0],
                "given_phi_high": asked and asked[1],
            }
        )
    growths = growths_with(networks, tolerance, coefficients.alpha)
    factor = least_tolerance(networks, tolerance)
    verdict = _verdict(coefficients, tolerance, found, growths, factor)
    chosen = chosen_format(format_, output)
    if chosen == "json":
        document = {
            "tolerance": {"depth": tolerance.depth, "width": tolerance.width, "pixels": tolerance.pixels},
            "growth": growth,
            "region": found
            and {
                name: [low, high]
                for name, low, high in zip(("alpha", "beta", "gamma"), found.low, found.high, strict=True)
            },
            "rule": found and dict(zip(("alpha", "beta", "gamma"), found.middle, strict=True)),
            "given": {"alpha": coefficients.alpha, "beta": coefficients.beta, "gamma": coefficients.gamma},
            "given_alpha_possible": bool(found and found.low[0] <= coefficients.alpha <= found.high[0]),
            "growths_with_given_alpha": growths,
            "least_tolerance": factor,
            "networks": rows,
            "statement": verdict,
        }
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        if output is None:
            echo(text, nl=False)
        else:
            write_file(output, text.encode())
        return
    emit(rows, chosen, output, title=f"φ that reproduces the released coefficients, {tolerance}")
    if chosen == "table" and output is None:
        for line in verdict:
            echo(line)


def _verdict(
    coefficients: Coefficients,
    tolerance: Any,
    found: Any,
    growths: tuple[float, float] | None,
    factor: float,
) -> list[str]:
    """What the reverse question comes to, in sentences."""
    given = f"α {coefficients.alpha:g}, β {coefficients.beta:g}, γ {coefficients.gamma:g}"
    if found is None:
        return [
            f"No rule explains B0–B8 at once within {tolerance}; {factor:.2f} times that tolerance would be needed."
        ]
    lines = [
        f"Rules with α·β²·γ² = {coefficients.growth:.3f} that explain B0–B8 at once: "
        + ", ".join(
            f"{name} {low:.3f}–{high:.3f}"
            for name, low, high in zip("αβγ", found.low, found.high, strict=True)
        )
        + "; the φ above are for the middle one. The same rule with another length of φ has other coefficients "
        "(α^t, β^t, γ^t), so the growth is held fixed.",
        f"{factor:.2f} times these tolerances is the least at which any rule does.",
    ]
    if not found.low[0] <= coefficients.alpha <= found.high[0]:
        lines.append(
            f"None of them has α = {coefficients.alpha:g}"
            + (
                f": at that α, a rule needs α·β²·γ² between {growths[0]:.3f} and {growths[1]:.3f}."
                if growths
                else "."
            )
        )
    lines.append(
        f"The given rule ({given}) reaches the networks that have a φ in the last two columns, and no others."
    )
    return lines
