"""``nascale bench samplers``: which sampler finds better networks in fewer evaluations, on a table."""

from __future__ import annotations

import sys

import click

from nascale.bench_text import against, bench_title, floor_line, trust_lines
from nascale.options import plot_option, setting_options
from nascale.output import emit, table_options
from nascale.spec import read_spec
from search.settings import Budgets
from space.errors import InputError


@click.command("samplers")
@click.argument("spec", type=click.Path(dir_okay=False))
@click.option(
    "--samplers",
    default="controller,tpe,evolution,random",
    show_default=True,
    help="Names, joined by commas.",
)
@click.option(
    "--evaluations", default="20,50,100,200", show_default=True, help="Where to measure, joined by commas."
)
@click.option(
    "--repeats", type=click.IntRange(min=1), default=20, show_default=True, help="Seeds for each sampler."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option("--objective", help="As in nascale search; with several, hypervolume is reported too.")
@setting_options(Budgets)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one for each processor]")
@plot_option("Draw the regret with its bands")
@table_options
def command(
    spec: str,
    samplers: str,
    evaluations: str,
    repeats: int,
    seed: int,
    objective: str | None,
    jobs: int | None,
    plot: str | None,
    format_: str | None,
    output: str | None,
    **budgets: float | None,
) -> None:
    """Compare samplers on the table that SPEC.toml describes.

    Regret is the best truth of the table minus the truth of the network that the search names as best, in points of
    accuracy, or of their losses; random is always among the rows. Each repeat is a search with a seed of its own. A search
    that measures networks again plans for its length: each number of evaluations is then a search of its own.
    """
    keys = {"objective": objective, "seed": seed, **budgets}
    chosen = read_spec(spec, {**keys, "evaluator": "table", "study": "bench", "storage": "memory"})
    counts = _counts(evaluations)
    names = [name.strip() for name in samplers.split(",") if name.strip()]
    from evaluators.machine import cpus
    from evaluators.table_file import open_table
    from search.benchmark import run_samplers
    from search.candidate_cache import CandidateCache
    from search.regret import reference_optimum, regrets, summary
    from search.samplers.registry import samplers as known_samplers
    from search.space_statistics import check_budgets, check_costs
    from search.twins import twins
    from space.errors import UnknownNameError

    for name in names:
        if name not in known_samplers():
            raise UnknownNameError("--samplers", name, known_samplers())
    assert chosen.table is not None
    evaluator, settings = open_table(chosen.table), chosen.settings()
    cache = CandidateCache(evaluator.space, settings.budgets, evaluator)
    check_budgets(cache, seed)
    check_costs(cache, settings.objective)
    for line in trust_lines(evaluator, twins(evaluator, cache)):
        click.echo(line, err=True)
    live = sys.stderr.isatty()

    def report(done: int, total: int) -> None:
        if live:
            click.echo(f"\r{done}/{total} searches", nl=done == total, err=True)

    runs = run_samplers(evaluator, settings, names, counts, repeats, jobs or cpus(), report)
    optimum = reference_optimum(evaluator, settings, runs)
    rows = summary(runs, optimum, counts, settings.objective.directions)
    shown = [
        name for name in rows[0] if name not in ("noise", "regret_floor")
    ]  # the title and a line below say them
    emit(rows, format_, output, columns=shown, title=bench_title(evaluator.settings, optimum))
    if round(optimum.floor, 3) > 0:
        click.echo(floor_line(evaluator.settings, optimum), err=True)
    if plot:
        from results.plots.regret import draw

        draw(
            regrets(runs, optimum),
            plot,
            title=f"{evaluator.settings.path.stem}: simple regret",
            subtitle=f"{against(optimum)}. Means of {repeats} seeds, bands of one standard error.",
            noise=optimum.noise,
            unit=optimum.unit.words,
        )
        click.echo(f"wrote {plot}", err=True)


def _counts(text: str) -> list[int]:
    try:
        counts = sorted({int(part) for part in text.split(",")})
    except ValueError:
        counts = []
    if not counts or counts[0] < 1:
        raise InputError.of("--evaluations", "whole numbers of 1 or more, joined by commas", text)
    return counts
