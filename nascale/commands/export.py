"""``nascale export``: the trained network as files that work without nascale."""

from __future__ import annotations

from pathlib import Path

import click

from evaluators.export.format import chosen_formats, formats
from nascale.options import storage_option
from nascale.output import echo, emit, table_options
from space.errors import RunError

_DEFAULT = "torch,onnx,python"


def _formats() -> str:
    """The list of formats for the help."""
    known = [form for form in formats().values() if not form.quantised]
    return "\n".join(["\b", "Formats:", *(f"  {form.name:<12} {form.description}" for form in known)])


@click.command("export", epilog=_formats())
@click.argument("run", metavar="RUN")
@click.option(
    "--to", default=_DEFAULT, show_default=True, metavar="LIST", help="Formats, separated by commas."
)
@click.option(
    "--int8",
    is_flag=True,
    help="Also the ONNX graph in 8 bits, unless it loses more than a point of accuracy.",
)
@click.option(
    "--input",
    "takes",
    type=click.Choice(["uint8", "float"]),
    default="uint8",
    show_default=True,
    help="What the graphs take: photos as bytes of any size, or tensors that are preprocessed already.",
)
@click.option("--data", metavar="SOURCE", help="Another place of the run's images.")
@click.option("--out", metavar="DIR", type=click.Path(file_okay=False), help="[default: RUN/export]")
@click.option(
    "--photos",
    type=int,
    default=2000,
    show_default=True,
    help="Images at most on which formats are compared.",
)
@click.option("--threads", type=int, default=1, show_default=True, help="Threads for the latencies.")
@click.option("--license", "licence", metavar="NAME", help="License for the card, such as apache-2.0.")
@storage_option
@click.option("--force", is_flag=True, help="Write formats that disagree, too.")
@table_options
def command(
    run: str,
    to: str,
    int8: bool,
    takes: str,
    data: str | None,
    out: str | None,
    photos: int,
    threads: int,
    licence: str | None,
    storage: str | None,
    force: bool,
    format_: str | None,
    output: str | None,
) -> None:
    """The trained network of RUN as files that need nothing of nascale, and a certificate that they agree.

    Photos go in as bytes of any size: cutting, resizing and normalising are part of the graph. Probabilities and the
    index of the class come out. Every file is run in a process that does not know nascale, on the test photos (whose
    labels are not looked at), and compared with the network; a file that disagrees is not written.
    """
    chosen = chosen_formats(to, int8)
    from evaluators.export.exporting import ExportSettings, export
    from evaluators.trained.run_folder import open_run
    from nascale.network_story import story_of

    trained = open_run(run)
    if not trained.finished:
        echo(f"{run}: the training has not come to its end; the weights kept so far are exported", err=True)
    settings = ExportSettings(takes=takes, photos=photos, threads=threads, force=force)
    certificate = export(
        trained,
        chosen,
        settings,
        data=data,
        out=Path(out) if out else None,
        story=story_of(trained, storage, licence),
        report=lambda line: echo(line, err=True),
    )
    about = f"{certificate.photos} {certificate.split} photos"
    emit(
        certificate.table(),
        format_,
        output,
        title=f"{certificate.name}: {about}; latency of one photo, threads: {threads}",
    )
    if certificate.left_out:
        raise RunError(f"not written (--force writes it all the same): {'; '.join(certificate.left_out)}")
