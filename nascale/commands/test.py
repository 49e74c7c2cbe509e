"""``nascale test``: the look at the test images, recorded before it is shown."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nascale.options import PicturePath
from nascale.output import chosen_format, echo, emit, emit_document, table_options
from results.shortening import shortened
from results.storage_url import redacted
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet
    from evaluators.trained.run_folder import TrainedRun
    from results.look import Look

_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_PICTURES = ("confusion", "mistakes", "reliability")


@click.command("test")
@click.argument("run")
@click.option("--data", metavar="SOURCE", help="Another place of the images that RUN was trained on.")
@click.option("--confusion", metavar="FILE", type=PicturePath(), help="Draw the confusion matrix.")
@click.option("--mistakes", metavar="FILE", type=PicturePath(), help="Draw the 20 most confident mistakes.")
@click.option("--reliability", metavar="FILE", type=PicturePath(), help="Draw how far confidences hold.")
@click.option(
    "--write", is_flag=True, help=f"Draw all three into RUN: {', '.join(f'{p}.png' for p in _PICTURES)}."
)
@click.option("--unfinished", is_flag=True, help="Look although the training has not come to its end.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@table_options
def command(
    run: str,
    data: str | None,
    write: bool,
    unfinished: bool,
    device: str,
    format_: str | None,
    output: str | None,
    **pictures: str | None,
) -> None:
    """The figures of a trained network on its test images, with 95 % intervals.

    RUN is a folder that nascale train made. Test images are for the end: each look is recorded in RUN before it is
    shown, and a second one says that it is the second. --format json has all figures in one object.
    """
    from evaluators.trained.run_folder import open_run
    from evaluators.trained.testing import look_at, remember

    trained = open_run(run)
    if not (trained.finished or unfinished):
        wanted = "a training that has come to its end (or --unfinished)"
        raise InputError.of("RUN", wanted, f"{run}, which the same nascale train goes on with")
    images = trained.images(data)
    look = look_at(trained, images, device)
    trained = remember(trained, look, shlex.join(map(redacted, sys.argv)))
    wanted_pictures = {
        kind: pictures[kind] or (str(trained.folder / f"{kind}.png") if write else None) for kind in _PICTURES
    }
    for kind, path in wanted_pictures.items():
        if path is not None:
            echo(f"wrote {_draw(kind, trained.name, look, images, path)}", err=True)
    _show(trained, look, images, format_, output)


def _show(run: TrainedRun, look: Look, images: ImageSet, format_: str | None, output: str | None) -> None:
    """The figures: one object as JSON, else a row for each class and the rest in words."""
    from evaluators.trained.testing import looks_at_weights

    own = looks_at_weights(run)
    warnings = [*_about_looks(len(run.tests), own), *look.warnings()]
    chosen = chosen_format(format_, output)
    if chosen == "json":
        told = {
            "name": run.name,
            "data": images.name,
            "looks": len(run.tests),
            "looks_at_these_weights": own,
            "weights": run.tests[-1]["weights"],
        }
        emit_document(told | look.to_json() | {"warnings": warnings}, output)
        return
    emit(look.rows(), chosen, output, title=run.name)
    lines = [*_lines(look, len(run.tests)), *(f"warning: {one}" for one in warnings)]
    for line in lines:
        echo(line, err=chosen != "table" or output is not None)


def _lines(look: Look, looks: int) -> list[str]:
    """The figures in words, below the table of the classes."""
    figures = look.figures
    parts = [f"accuracy {figures.accuracy}", f"balanced accuracy {figures.balanced_accuracy}"]
    if figures.top5 is not None:
        parts.append(f"top-5 accuracy {figures.top5}")
    return [
        f"{_ordinal(looks)} look at {figures.images:,} test images: {', '.join(parts)}, 95 % intervals",
        f"validation accuracy {look.validation}: by it the weights were chosen, so it is a little too good",
        f"expected calibration error {look.before.error:.4f}, {look.after.error:.4f} with the temperature "
        f"{look.temperature:.3g} that fits the validation images",
    ]


def _about_looks(looks: int, own: int) -> list[str]:
    """A sentence about a look that is not the first."""
    if looks == 1:
        return []
    others = looks - own
    other = f", {others} of them at other weights" if others else ""
    return [
        f"this is the {_ordinal(looks)} look at these test images ({looks} looks{other}): what is chosen by looks "
        "at test images has figures that are too good"
    ]


def _ordinal(number: int) -> str:
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    endings = {1: "st", 2: "nd", 3: "rd"} if number // 10 % 10 != 1 else {}
    return f"{number}{endings.get(number % 10, 'th')}"


def _draw(kind: str, name: str, look: Look, images: ImageSet, path: str) -> Path:
    """Writes one of the pictures."""
    from results.plots.confusion import confusion_figure
    from results.plots.contact_sheet import Shown, contact_sheet
    from results.plots.picture import save
    from results.plots.reliability import reliability_figure

    name = shortened(name)
    figure: Any
    if kind == "confusion":
        figure = confusion_figure(look.figures.confusion, look.names, title=f"{name}: what is taken for what")
    elif kind == "mistakes":
        shown = [
            Shown(
                images.images[images.test[one.position]],
                look.names[one.truth],
                look.names[one.predicted],
                one.confidence,
            )
            for one in look.mistakes()
        ]
        figure = contact_sheet(shown, title=f"{name}: the most confident mistakes")
    else:
        panels = (("as trained", look.before), (f"temperature {look.temperature:.3g}", look.after))
        figure = reliability_figure(panels, title=f"{name}: what confidences are worth")
    return save(figure, path, f"--{kind}")
