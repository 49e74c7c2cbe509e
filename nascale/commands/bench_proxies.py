"""``nascale bench proxies``: which cheap proxy of a network's accuracy can be trusted, and at what cost."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from evaluators.proxies import proxy_help
from nascale.options import plot_option, storage_option
from nascale.output import echo, emit, table_options

_COLUMNS = (
    "proxy",
    "architectures",
    "spearman",
    "spearman_low",
    "spearman_high",
    "gain",
    "gain_low",
    "gain_high",
    "kendall",
    "top_overlap",
    "noise_spearman",
    "seconds",
    "failures",
)
DEFAULT_PROXIES = "macs,params,naswot,synflow,train:epochs=3,score=loss,supernet,supernet+macs"


@click.command("proxies")
@click.argument("subject", metavar="SPEC.toml|STUDY")
@click.option(
    "--proxies",
    default=DEFAULT_PROXIES,
    show_default=True,
    help="Proxies with settings, as train:epochs=2,resolution=16; a blend of ranks, as naswot+macs. "
    f"They are {proxy_help()}.",
)
@click.option(
    "--architectures", default=60, show_default=True, help="Networks of distinct keys to compare on."
)
@click.option(
    "--repeats", default=1, show_default=True, help="Seeds of each proxy; 2 or more give its noise floor."
)
@click.option("--data", help="Images that the proxies use.  [default: the spec's]")
@click.option(
    "--longer", default=5.0, show_default=True, help="For a STUDY: train this many times its epochs."
)
@click.option(
    "--seed", default=0, show_default=True, help="Seed of the networks that are drawn, and of the proxies."
)
@click.option("--workers", default=2, show_default=True, help="Ray workers; 0 works in this process.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@plot_option("Draw correlation against seconds")
@click.option(
    "--scores",
    type=click.Path(dir_okay=False),
    help="Keep every score in this CSV as it comes; scores that are there already are not measured again.",
)
@storage_option
@table_options
def command(
    subject: str,
    proxies: str,
    architectures: int,
    repeats: int,
    data: str | None,
    longer: float,
    seed: int,
    workers: int,
    device: str,
    plot: str | None,
    scores: str | None,
    storage: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """Rank networks by cheap proxies and by the truth, and say how far the rankings agree.

    With a SPEC.toml whose table decodes to real networks the truth is the table's. With the name of a STUDY
    it is a training of --longer times the epochs that the search gave each network, and the study's own
    ranking is judged beside the proxies. Intervals are 95 % bootstraps over the networks.
    """
    from nascale.proxy_check import ProxyCheck, run
    from nascale.proxy_check import subject as subject_of
    from nascale.proxy_verdict import verdict

    asked = ProxyCheck(proxies, architectures, data, longer, seed, device, storage)
    found = subject_of(subject, asked)
    echo(found.opening, err=True)
    rows = run(
        found,
        repeats=repeats,
        workers=workers,
        seed=seed,
        scores=scores,
        report=_counter(),
        say=lambda text: echo(text, err=True),
    )
    name = found.comparison.name
    if plot:
        from results.plots.proxies import draw

        draw(rows, plot, title=f"{name}: rank correlation with {found.truth_is}")
        echo(f"wrote {plot}", err=True)
    emit(rows, format_, output, columns=_COLUMNS, title=f"{name}: ranking against {found.truth_is}")
    for line in verdict(rows):
        echo(line, err=True)


def _counter() -> Callable[[int, int], None]:
    """Counts scores on stderr: in place on a terminal, every tenth part otherwise."""
    terminal = sys.stderr.isatty()

    def report(done: int, total: int) -> None:
        if terminal:
            click.echo(f"\r{done}/{total} scores", nl=done == total, err=True)
        elif done == total or done * 10 // total > (done - 1) * 10 // total:
            echo(f"{done}/{total} scores", err=True)

    return report
