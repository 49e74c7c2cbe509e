"""``nascale scale search``: α, β, γ by training a grid, or by the fitted law."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nascale.architectures import resolve
from nascale.output import chosen_format, emit, table_options, write_file
from nascale.quantities import Quantity
from nascale.spec import KEYS

if TYPE_CHECKING:
    from nascale.scaling_run import ScalingResult, ScalingSearch

# The keys of a search that make sense here; the rest (space, sampler, budgets …) follow from the network.
_KEYS = (
    *("resolution", "data", "validation", "skip_bad", "epochs", "batch_size", "optimizer", "learning_rate"),
    *(
        "weight_decay",
        "label_smoothing",
        "fraction",
        "crop",
        "flip",
        "cutout",
        "precision",
        "device",
        "compile",
    ),
    *("workers", "cpus_per_trial", "gpus_per_trial", "trial_timeout", "ray_address", "study", "storage"),
    *("max_seconds", "max_epochs", "max_failures"),
)
_HELP = {"resolution": "Side of the network's own images in pixels.  [default: ARCH's]"}
_TYPES: dict[str, Any] = {"text": str, "int": int, "float": float}
_SHOWN = (
    *("contender", "kind", "depth", "width", "resolution", "macs", "accuracy", "low", "high", "seeds"),
    *("best_share", "tied"),
)


def _training_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options of ``nascale search`` that say what is trained, how and where."""
    for name in reversed(_KEYS):
        kind, text = KEYS[name].metadata["kind"], _HELP.get(name, KEYS[name].metadata["help"])
        flag = "--" + name.replace("_", "-")
        if kind == "flag":
            option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=text)
        else:
            option = click.option(
                flag, name, type=_TYPES.get(kind) or Quantity(kind), default=None, help=text
            )
        function = option(function)
    return function


@click.command("search")
@click.argument("arch")
@click.option(
    "--method",
    type=click.Choice(["grid", "law"]),
    default="grid",
    show_default=True,
    help="Train every candidate of the grid, or few points that a fitted law asks for.",
)
@click.option("--seeds", default="0,1,2", show_default=True, help="Seeds of every training: a list, or 0..4.")
@click.option(
    "--growth", type=float, default=2.0, show_default=True, help="MACs of every contender, times ARCH's."
)
@click.option("--step", type=float, default=0.05, show_default=True, help="Step of the grid.")
@click.option(
    "--tolerance", type=float, default=0.1, show_default=True, help="How far α·β²·γ² may be from the growth."
)
@click.option("--largest", type=float, help="Largest coefficient of the grid.  [default: what fits]")
@click.option(
    "--macs-tolerance",
    type=float,
    default=0.02,
    show_default=True,
    help="How far real MACs may be off: φ is nudged, then small moves follow.",
)
@click.option("--most", type=int, default=16, show_default=True, help="Contenders that the law may train.")
@click.option(
    "--narrow",
    type=float,
    default=0.35,
    show_default=True,
    help="The law stops when every interval is at most this share of what the growth allows.",
)
@click.option("--rounding", default="released", show_default=True, help="Rounding policy.")
@_training_options
@click.option("--dry-run", is_flag=True, help="Show the contenders and their MACs; train nothing.")
@click.option(
    "--plot", metavar="FILE", help="Draw the ranking and the law's coefficients (.png, .svg, .pdf)."
)
@click.option("--quiet", is_flag=True, help="Print the result only.")
@table_options
def command(
    arch: str,
    dry_run: bool,
    plot: str | None,
    quiet: bool,
    format_: str | None,
    output: str | None,
    **keys: Any,
) -> None:
    """Search α, β, γ for ARCH by training networks scaled to the same real MACs.

    The grid holds all (α, β, γ) of 1 or more with |α·β²·γ² − growth| within the tolerance, as EfficientNet's
    did (the paper states neither step nor tolerance). Depth alone, width alone and resolution alone at the
    same MACs compete too. Every training is a trial of a study: the same command goes on where it stopped.
    """
    from nascale.progress import ProgressLine
    from nascale.scaling_run import prepare_scaling, run_scaling

    given = {name: value for name, value in keys.items() if value is not None}
    search = prepare_scaling(resolve(arch, given.get("storage")), given)
    if not quiet:
        for line in search.summary():
            click.echo(line, err=True)
    if dry_run:
        emit(
            _contender_rows(search), format_, output, title=f"contenders of {search.base.architecture.label}"
        )
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if quiet:
            result = run_scaling(search)
        else:
            with ProgressLine() as progress:
                result = run_scaling(search, progress, lambda text: click.echo(text, err=True))
    except KeyboardInterrupt:
        click.echo(f"\nstopped; the same command goes on with study {search.spec.study}", err=True)
        raise
    if plot:
        from results.scaling_plot import coefficients_figure, save

        law = result.law.to_dict() if result.law else None
        save(coefficients_figure(result.ranking.rows, _title(search), law), plot)
        click.echo(f"wrote {plot}", err=True)
    _show(search, result, format_, output)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _title(search: ScalingSearch) -> str:
    spec = search.spec
    kind, _, where = spec.data.partition(":")
    return (
        f"{search.base.architecture.label or 'network'} × {spec.growth:g} MACs on {Path(where).stem or kind}, "
        f"{spec.epochs} epochs"
    )


def _contender_rows(search: ScalingSearch) -> list[dict[str, Any]]:
    return [
        {
            "contender": c.label,
            "kind": c.kind,
            **dict(zip(("alpha", "beta", "gamma"), c.coefficients, strict=True)),
            "phi": c.phi,
            "depth": c.multipliers[0],
            "width": c.multipliers[1],
            "resolution": c.architecture.resolution,
            "macs": c.macs,
            "off": None if c.kind in ("base", "smaller") else c.macs / search.target_macs - 1,
            "moves": "; ".join(c.moves),
            "key": c.architecture.key,
        }
        for c in search.contenders
    ]


def _show(search: ScalingSearch, result: ScalingResult, format_: str | None, output: str | None) -> None:
    """The ranking, the law and what can be claimed."""
    chosen = chosen_format(format_, output)
    ranking = result.ranking
    if chosen == "json":
        document = {
            "study": result.outcome.study,
            "method": search.spec.method,
            "trainings": result.trainings,
            "deviation": ranking.deviation,
            "compound_lead": ranking.lead and dict(zip(("mean", "low", "high"), ranking.lead, strict=True)),
            "ranking": ranking.rows,
            "law": result.law and result.law.to_dict(),
            "rounding": search.spec.rounding,
        }
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=float) + "\n"
        if output is None:
            click.echo(text, nl=False)
        else:
            write_file(output, text.encode())
        return
    emit(ranking.rows, chosen, output, columns=_SHOWN, title=_title(search))
    if chosen == "table" and output is None:
        for line in claims(result):
            click.echo(line)


def claims(result: ScalingResult) -> list[str]:
    """What the trainings say, in sentences: the winner and who ties with it, compound against single, the law."""
    from search.scaling.candidates import NOT_RACING
    from search.scaling.coefficients import GREEK, LEVEL

    ranking = result.ranking
    lines = [f"{result.trainings} trainings in study {result.outcome.study}"]
    racing = [row for row in ranking.rows if row["kind"] not in NOT_RACING]
    if result.stopped:
        lines[0] += f"; the law stopped: {result.stopped}"
    if racing and ranking.freedom:
        tied = [row for row in racing[1:] if row["tied"]]
        lines.append(
            f"first: {racing[0]['contender']} with {racing[0]['accuracy']:.2%}, the best in "
            f"{racing[0]['best_share']:.0%} of redraws; one training deviates by {100 * ranking.deviation:.2f} points "
            f"between seeds, so {len(tied)} of the {len(racing) - 1} others cannot be told from it at {LEVEL:.0%}"
        )
    elif racing:
        lines.append(
            f"first: {racing[0]['contender']} with {racing[0]['accuracy']:.2%}; one seed tells no noise"
        )
    if ranking.lead is not None:
        gap, low, high = (100 * value for value in ranking.lead)
        verdict = "more than" if low > 0 else "not more than"
        lines.append(
            f"the best compound network leads the best single dimension by {gap:+.2f} points ({low:+.2f} to "
            f"{high:+.2f}): {verdict} the noise between seeds"
        )
    if result.law is None:
        lines.append(f"no law: {result.why_no_law}")
        return lines
    told = ", ".join(
        f"{name} {value:.2f}" + (f" ({pair[0]:.2f}–{pair[1]:.2f})" if pair else "")
        for name, value, pair in zip(GREEK, result.law.coefficients, result.law.intervals, strict=True)
        if value is not None
    )
    lines.append(f"{result.law.law} law: {told}; leave-one-out error {result.law.loo_rmse:.2f} points")
    return lines + list(result.law.statement)
