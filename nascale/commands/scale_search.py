"""``nascale scale search``: α, β, γ by training a grid, or by the fitted law."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nascale.architectures import resolve
from nascale.options import plot_option, setting_options
from nascale.output import chosen_format, echo, emit, table_options
from nascale.scaling_spec import DERIVED, ScalingSpec
from nascale.search_text import data_lines
from results.files import write_file

if TYPE_CHECKING:
    from nascale.scaling_run import ScalingResult, ScalingSearch

_HELP = {"resolution": "Side of the network's own images in pixels.  [default: ARCH's]"}
_SHOWN = (
    *("candidate", "kind", "depth", "width", "resolution", "macs", "accuracy", "low", "high", "seeds"),
    *("best_share", "tied"),
)


@click.command("search")
@click.argument("arch")
@setting_options(ScalingSpec, without=DERIVED, help=_HELP)
@click.option("--dry-run", is_flag=True, help="Show the candidates and their MACs; train nothing.")
@plot_option("Draw the ranking and the law's coefficients")
@click.option("--quiet", is_flag=True, help="Print the result only.")
@table_options
def command(
    arch: str,
    dry_run: bool,
    plot: str | None,
    quiet: bool,
    format_: str | None,
    output: str | None,
    **settings: Any,
) -> None:
    """Search α, β, γ for ARCH by training networks scaled to the same real MACs.

    The grid holds all (α, β, γ) of 1 or more with |α·β²·γ² − growth| within the tolerance, as EfficientNet's
    did (the paper states neither step nor tolerance). Depth alone, width alone and resolution alone at the
    same MACs compete too. The star trains single dimensions made smaller from one large centre, with the same order of images for
    all networks of a seed, and reads α, β, γ off their losses. Every training is a trial of a study: the same command goes on
    where it stopped.
    """
    from nascale.progress import followed
    from nascale.scaling_run import prepare_scaling, run_scaling, scaling_spec

    given = {name: value for name, value in settings.items() if value is not None}
    search = prepare_scaling(scaling_spec(resolve(arch, given.get("storage")), given))
    if not quiet:
        for line in [*data_lines(search.prepared), *search.summary()]:
            echo(line, err=True)
    if dry_run:
        rows, title = _candidate_rows(search), f"candidates for {search.base.architecture.label}"
        emit(rows, format_, output, title=title)
        return
    result = followed(
        lambda report, say: run_scaling(search, report, say),
        search.spec.study,
        lambda text: echo(text, err=True),
        quiet=quiet,
    )
    if plot:
        from results.plots.picture import save
        from results.plots.scaling import coefficients_figure

        chosen = result.loss or result.law
        law = chosen.to_dict() if chosen else None
        save(coefficients_figure(result.ranking.rows, _title(search), law), plot, "--plot")
        echo(f"wrote {plot}", err=True)
    _show(search, result, format_, output)


def _title(search: ScalingSearch) -> str:
    spec = search.spec
    kind, _, where = spec.images.data.partition(":")
    return (
        f"{search.base.architecture.label or 'network'} × {spec.growth:g} MACs on {Path(where).stem or kind}, "
        f"{spec.recipe.epochs} epochs"
    )


def _candidate_rows(search: ScalingSearch) -> list[dict[str, Any]]:
    return [
        {
            "candidate": c.label,
            "kind": c.kind,
            **dict(zip(("alpha", "beta", "gamma"), c.coefficients, strict=True)),
            "phi": c.phi,
            "depth": c.multipliers[0],
            "width": c.multipliers[1],
            "resolution": c.architecture.resolution,
            "macs": c.macs,
            "off": c.macs / search.target_macs - 1 if c.competes else None,
            "moves": "; ".join(c.moves),
            "key": c.architecture.key,
        }
        for c in search.candidates
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
            "loss_law": result.loss and result.loss.to_dict(),
            "rounding": search.spec.rounding,
        }
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=float) + "\n"
        if output is None:
            echo(text, nl=False)
        else:
            write_file(output, text.encode())
        return
    emit(ranking.rows, chosen, output, columns=_SHOWN, title=_title(search))
    if chosen == "table" and output is None:
        for line in claims(result):
            echo(line)


def claims(result: ScalingResult) -> list[str]:
    """What the trainings say, in sentences: the winner and who ties with it, compound against single, the law."""
    from nascale.scaling_text import loss_claims, told
    from search.scaling.bootstrap import LEVEL
    from search.scaling.candidates import REFERENCES

    ranking = result.ranking
    lines = [f"{result.trainings} trainings in study {result.outcome.study}"]
    competing = [row for row in ranking.rows if row["kind"] not in REFERENCES]
    if result.stopped:
        lines[0] += f"; the search stopped: {result.stopped}"
    if competing and ranking.freedom:
        tied = [row for row in competing[1:] if row["tied"]]
        lines.append(
            f"first: {competing[0]['candidate']} with {competing[0]['accuracy']:.2%}, the best in "
            f"{competing[0]['best_share']:.0%} of redraws; one training deviates by {100 * ranking.deviation:.2f} points "
            f"between seeds, so {len(tied)} of the {len(competing) - 1} others cannot be told from it at {LEVEL:.0%}"
        )
    elif competing:
        lines.append(
            f"first: {competing[0]['candidate']} with {competing[0]['accuracy']:.2%}; with one seed the noise is unknown"
        )
    if ranking.lead is not None:
        gap, low, high = (100 * value for value in ranking.lead)
        verdict = "more than" if low > 0 else "not more than"
        lines.append(
            f"the best compound network leads the best single dimension by {gap:+.2f} points ({low:+.2f} to "
            f"{high:+.2f}): {verdict} the noise between seeds"
        )
    if result.why_no_loss:
        lines.append(f"no loss law: {result.why_no_loss}")
    if result.loss is not None:
        return lines + loss_claims(result.loss)
    if result.law is None:
        lines.append(f"no law: {result.why_no_law}")
        return lines
    found = told(result.law.coefficients, result.law.intervals)
    lines.append(f"{result.law.law} law: {found}; leave-one-out error {result.law.loo_rmse:.2f} points")
    return lines + list(result.law.statement)
