"""``nascale search``: runs a search, or goes on with one."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nascale.quantities import Quantity
from nascale.spec import KEYS, read_spec
from nascale.statistics_text import statistics_lines

if TYPE_CHECKING:
    from nascale.launch import Outcome, Prepared

_TYPES: dict[str, Any] = {"text": str, "int": int, "float": float}


def spec_options(function: Callable[..., None]) -> Callable[..., None]:
    """One option for each key of a spec."""
    for name, item in reversed(KEYS.items()):
        kind, text = item.metadata["kind"], item.metadata["help"]
        if item.default is not None and kind != "flag" and "[default" not in text:
            text += f"  [default: {item.default}]"
        flag = "--" + name.replace("_", "-")
        if kind == "flag":
            option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=text)
        else:
            type_ = _TYPES.get(kind) or Quantity(kind)
            option = click.option(flag, name, type=type_, default=None, help=text)
        function = option(function)
    return function


@click.command("search")
@click.argument("spec", required=False, type=click.Path(dir_okay=False))
@spec_options
@click.option("--quiet", is_flag=True, help="Print the result only.")
def command(spec: str | None, quiet: bool, **flags: Any) -> None:
    """Search for networks, or go on with a search that was stopped.

    SPEC is a TOML file of the keys below (with underscores); flags win over it. Every trial is stored in an
    Optuna study. Ctrl-C stops cleanly, and the same command goes on where it stopped. A network that was
    measured before is cache hits.
    """
    chosen = read_spec(spec, flags)
    from nascale.launch import prepare, run
    from nascale.progress import ProgressLine

    prepared = prepare(chosen)
    if not quiet:
        for line in opening(prepared):
            click.echo(line)
    say = (lambda text: None) if quiet else (lambda text: click.echo(text))
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if quiet:
            outcome = run(prepared)
        else:
            with ProgressLine() as progress:
                outcome = run(prepared, progress, say)
    except KeyboardInterrupt:
        click.echo(f"\nstopped; the same command goes on with study {chosen.study}", err=True)
        raise
    for line in closing(outcome):
        click.echo(line)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def opening(prepared: Prepared) -> list[str]:
    """What the search is going to do: study, objective, budgets, what the space holds."""
    from results.storage_url import redacted

    spec, settings = prepared.spec, prepared.spec.settings()
    asked = f"table {Path(spec.table).name}" if spec.table else f"{spec.data}, {spec.epochs} epochs"
    if spec.evaluator == "supernet":
        asked = f"{spec.data}, a supernet of {spec.epochs} epochs"
    lines = [
        f"study {spec.study} in {redacted(spec.storage)}: {spec.sampler} on space {prepared.space.name}, {asked}",
        settings.objective.sentence(),
        *statistics_lines(prepared.statistics, settings.budgets),
    ]
    trust = prepared.evaluator.summary()
    if trust is not None:
        lines.append(trust)
    if spec.evaluator == "supernet":
        lines.append(
            "accuracies are those of shared weights: they rank networks, a training from scratch reaches more"
        )
    if not spec.table:
        lines.append(f"{spec.workers or 'no'} workers, {spec.window} suggestions out at once")
    return lines


def closing(outcome: Outcome) -> list[str]:
    """How it ended: how many trials, how many cache hits, the best network."""
    p = outcome.progress
    lines = []
    if p.stopped:
        lines.append(f"ended early: {p.stopped}")
    counts = [f"{p.reused} cache hits"]
    counts += [
        f"{n} {name}"
        for n, name in ((p.pruned, "pruned"), (p.failed, "failed"), (p.infeasible, "over budget"))
        if n
    ]
    lines.append(f"study {outcome.study}: {p.finished} trials, {', '.join(counts)}")
    if p.best is not None:
        from nascale.quantities import human_count

        known = [f"{human_count(p.best.costs[c])} {c}" for c in ("macs", "params") if c in p.best.costs]
        lines.append(
            f"best: trial {p.best.number}, accuracy {p.best_accuracy:.4f}" + "".join(f", {k}" for k in known)
        )
    return lines
