"""``nascale bench samplers``: which sampler finds better networks in fewer evaluations, on a table."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nascale.bench_text import against, bench_title, floor_line, front_line, trust_lines
from nascale.options import plot_option, setting_options
from nascale.output import chosen_format, echo, emit, table_options
from nascale.spec import SearchSpec, read_spec
from search.settings import Budgets
from space.errors import InputError
from space.limits import LARGEST_SEED

if TYPE_CHECKING:
    from evaluators.table_settings import TableSettings
    from search.benchmark import SamplerRun
    from search.objective import Objective
    from search.regret import ReferenceOptimum

SAMPLERS = ("controller", "tpe", "evolution", "random")
ABLATION = ("controller", "controller-policy", "controller-critic", "gp-ei")
"""The controller, either of its halves alone, and a plain Gaussian process."""


@click.command("samplers")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path(dir_okay=False))
@click.option("--samplers", help=f"Names, joined by commas.  [default: {','.join(SAMPLERS)}]")
@click.option(
    "--ablate", is_flag=True, help=f"Compare what the controller is made of: {', '.join(ABLATION)}, random."
)
@click.option(
    "--evaluations", default="20,50,100,200", show_default=True, help="Where to measure, joined by commas."
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    help="Seeds for each sampler.",
)
@click.option(
    "--seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True, help="The first seed."
)
@click.option("--objective", help="As in nascale search; with several, hypervolume is reported too.")
@click.option("--prior", help="As in nascale search, for the samplers that use scores: controller and gp-ei.")
@click.option("--data", help="Images that scores of --prior are measured on.  [default: the spec's]")
@setting_options(Budgets)
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes.  [default: one for each processor]")
@plot_option("Draw the regret with its bands")
@table_options
def command(
    specs: tuple[str, ...],
    samplers: str | None,
    ablate: bool,
    evaluations: str,
    repeats: int,
    seed: int,
    objective: str | None,
    prior: str | None,
    data: str | None,
    jobs: int | None,
    plot: str | None,
    format_: str | None,
    output: str | None,
    **budgets: float | None,
) -> None:
    """Compare samplers on the tables that SPEC.toml describes.

    Regret is the best truth of the table minus the truth of the network that the search names as best, in points of
    accuracy, or of their losses; random is always among the rows. Each repeat is a search with a seed of its own. A search
    that measures networks again plans for its length: each number of evaluations is then a search of its own. With several
    objectives, hypervolume_share is of the front that the search names, of the accuracy and the logarithms of the costs.
    """
    from evaluators.machine import cpus

    if plot and len(specs) > 1:
        raise InputError.of("--plot", "one table", f"{len(specs)} tables")
    names, counts = _names(samplers, ablate), _counts(evaluations)
    keys = {"objective": objective, "seed": seed, "prior": prior, "data": data, **budgets}
    one_by_one = len(specs) == 1 or (output is None and chosen_format(format_, output) == "table")
    gathered: list[dict[str, Any]] = []
    for spec in specs[1:]:  # one that cannot be read is refused before the first is measured
        _of_table(spec, keys)
    for spec in specs:
        found = _compared(spec, keys, names, counts, repeats, jobs or cpus())
        if one_by_one:
            emit(found.rows, format_, output, columns=found.shown, title=found.title)
        else:
            echo(found.title, err=True)
            gathered += [{"table": Path(spec).stem, **row} for row in found.rows]
        for line in found.lines():
            echo(line, err=True)
        if plot:
            _draw(found, plot, repeats)
    if not one_by_one:
        emit(gathered, format_, output)


def _of_table(spec: str, keys: dict[str, Any]) -> SearchSpec:
    """The spec as the benchmark takes it. Raises InputError."""
    return read_spec(spec, {**keys, "evaluator": "table", "study": "bench", "storage": "memory"})


@dataclass(frozen=True)
class _Comparison:
    """What was found on one table."""

    table: TableSettings
    objective: Objective
    runs: list[SamplerRun]
    optimum: ReferenceOptimum
    rows: list[dict[str, Any]]

    @property
    def title(self) -> str:
        return bench_title(self.table, self.optimum)

    @property
    def shown(self) -> list[str]:
        """The columns for the eye: the title and a line below say the others."""
        return [name for name in self.rows[0] if name not in ("noise", "regret_floor")]

    def lines(self) -> list[str]:
        """What is to be known of the figures."""
        lines = [] if self.optimum.front is None else [front_line(self.objective, self.optimum)]
        unscored = sum(run.unscored for run in self.runs)
        if unscored:
            lines.append(f"prior: a score was estimated {unscored} times, of networks that lack it")
        return lines + ([floor_line(self.table, self.optimum)] if round(self.optimum.floor, 3) > 0 else [])


def _compared(
    spec: str, keys: dict[str, Any], names: list[str], counts: list[int], repeats: int, jobs: int
) -> _Comparison:
    """The searches of one table, judged; what is to be known of the table is said first."""
    from evaluators.table_file import open_table
    from nascale.evaluation import score_settings
    from search.benchmark import run_samplers
    from search.candidate_cache import CandidateCache
    from search.regret import reference_optimum, summary
    from search.space_statistics import check_budgets, check_costs
    from search.twins import twins

    chosen = _of_table(spec, keys)
    assert chosen.table is not None
    evaluator, settings = open_table(chosen.table), chosen.settings()
    cache = CandidateCache(evaluator.space, settings.budgets, evaluator)
    check_budgets(cache, settings.seed)
    check_costs(cache, settings.objective)
    prior = score_settings(chosen, cache)
    for line in trust_lines(evaluator, twins(evaluator, cache)):
        echo(line, err=True)
    live = sys.stderr.isatty()

    def report(done: int, total: int) -> None:
        if live:
            click.echo(f"\r{done}/{total} searches", nl=done == total, err=True)

    runs = run_samplers(evaluator, settings, names, counts, repeats, jobs, report, prior)
    optimum = reference_optimum(evaluator, settings, runs)
    return _Comparison(evaluator.settings, settings.objective, runs, optimum, summary(runs, optimum, counts))


def _draw(found: _Comparison, path: str, repeats: int) -> None:
    from results.plots.regret import draw
    from search.regret import regrets

    draw(
        regrets(found.runs, found.optimum),
        path,
        title=f"{found.table.path.stem}: simple regret",
        subtitle=f"{against(found.optimum)}. Means of {repeats} seeds, bands of one standard error.",
        noise=found.optimum.noise,
        unit=found.optimum.unit.words,
    )
    echo(f"wrote {path}", err=True)


def _names(samplers: str | None, ablate: bool) -> list[str]:
    """The samplers to compare. Raises UnknownNameError for one that is not there."""
    from search.samplers.registry import samplers as known
    from space.errors import UnknownNameError

    if samplers is not None and ablate:
        raise InputError.of("--ablate", "no --samplers beside it", samplers)
    names = list(ABLATION if ablate else SAMPLERS)
    if samplers is not None:
        names = [name.strip() for name in samplers.split(",") if name.strip()]
    for name in names:
        if name not in known():
            raise UnknownNameError("--samplers", name, known())
    return names


def _counts(text: str) -> list[int]:
    try:
        counts = sorted({int(part) for part in text.split(",")})
    except ValueError:
        counts = []
    if not counts or counts[0] < 1:
        raise InputError.of("--evaluations", "whole numbers of 1 or more, joined by commas", text)
    return counts
