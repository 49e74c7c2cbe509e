"""``nascale data``: what an image set holds, and what is wrong with it, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evaluators.images.sources import source_help
from nascale.output import chosen_format, echo, emit, emit_document, table_options
from nascale.quantities import Quantity

if TYPE_CHECKING:
    from evaluators.images.summary import DataSummary


@click.command("data", help=f"What an image set holds. SOURCE is {source_help()}.")
@click.argument("source")
@click.option(
    "--resolution",
    "--size",
    "size",
    type=int,
    help="Side in pixels to which image files are decoded.  [default: the files']",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the splits that are drawn.")
@click.option(
    "--validation",
    type=float,
    default=0.2,
    show_default=True,
    help="Share of the training images that is drawn for validation, if the set has none.",
)
@click.option(
    "--max-image-bytes",
    type=Quantity("bytes"),
    help="Bytes that the images may take once unpacked.  [default: the memory of this machine]",
)
@click.option("--skip-bad", is_flag=True, help="Leave out image files that cannot be read.")
@table_options
def command(source: str, format_: str | None, output: str | None, **options: Any) -> None:
    from nascale.api import data

    images = data(source, **options)
    from evaluators.images.duplicates import Duplicates
    from evaluators.images.summary import DataSummary

    summary, duplicates = DataSummary.of(images), Duplicates.of(images)
    warnings = [*summary.warnings, *duplicates.warnings()]
    chosen = chosen_format(format_, output)
    if chosen == "json":
        emit_document(summary.to_json() | {"duplicates": duplicates.to_json(), "warnings": warnings}, output)
        return
    emit(_rows(summary), chosen, output, title=summary.name)
    if chosen == "table" and output is None:
        for line in _lines(summary, warnings):
            echo(line)


def _rows(summary: DataSummary) -> list[dict[str, Any]]:
    """One row for each class: how many images each split has of it."""
    return [
        {
            "label": label,
            "class": name,
            **{part: split.counts.get(name, 0) for part, split in summary.splits.items()},
        }
        for label, name in enumerate(summary.classes)
    ]


def _lines(summary: DataSummary, warnings: list[str]) -> list[str]:
    """The summary in words, below the table of its classes."""
    (least, few), (most, many) = summary.smallest, summary.largest
    lines = [
        f"{summary.images:,} images of {len(summary.classes)} classes, {summary.height}×{summary.width} pixels, "
        f"{summary.channels} channel{'s' if summary.channels > 1 else ''}, checksum {summary.checksum}",
        *(f"{part}: {split.images:,} images, {split.origin}" for part, split in summary.splits.items()),
        f"smallest class {least} with {few:,} images to learn from, largest {most} with {many:,}: a ratio of {summary.imbalance:.2f}",
        *summary.notes,
    ]
    if summary.left_out:
        lines.append(f"left out {summary.few_left_out()} (--format json names all)")
    return lines + [f"warning: {warning}" for warning in warnings]
