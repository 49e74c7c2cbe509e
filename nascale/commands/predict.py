"""``nascale predict``: the classes of picture files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nascale.output import echo, emit_stream, table_options
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.images.picture_paths import PicturePaths
    from evaluators.trained.classifier import Classifier
    from evaluators.trained.run_folder import TrainedRun

_NAMED = 3


@click.command("predict")
@click.argument("run")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Classes that are told of each picture, the likeliest first.",
)
@click.option(
    "--calibrated", is_flag=True, help="Probabilities with the temperature that nascale test has found."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@table_options
def command(
    run: str,
    images: tuple[str, ...],
    top: int,
    calibrated: bool,
    device: str,
    format_: str | None,
    output: str | None,
) -> None:
    """Class and probability of each IMAGE: a file, a folder with all below it, or a pattern such as "*/*.jpg".

    Pictures are read as those were that RUN was trained on. One that cannot be read is named and does not stop the
    rest; the exit status is 2 where none can be read.
    """
    from evaluators.images.picture_paths import PicturePaths
    from evaluators.trained.classifier import Classifier
    from evaluators.trained.run_folder import open_run

    trained = open_run(run)
    temperature = _temperature(trained) if calibrated else 1.0
    found = PicturePaths.of(images)
    broken = _Broken([str(one) for one in found.missing])
    if not found.files:
        raise broken.none_readable()
    if not trained.finished:
        echo(f"the training of {run} has not come to its end: these are the weights kept so far", err=True)
    classifier = Classifier(trained, device)
    emit_stream(_rows(classifier, found, broken, top, temperature), format_, output)
    echo(broken.closing(found), err=True)


def _rows(
    classifier: Classifier, found: PicturePaths, broken: _Broken, top: int, temperature: float
) -> Iterator[dict[str, Any]]:
    """A row for each picture: its file, and class and probability, of the second as ``class_2``, ``probability_2``."""
    from evaluators.images.files import shown
    from evaluators.trained.prediction import predictions

    for one in predictions(classifier, found.files, broken.add, top=top, temperature=temperature):
        broken.readable += 1
        row: dict[str, Any] = {"file": shown(one.file)}
        for rank, (name, share) in enumerate(one.classes, start=1):
            end = f"_{rank}" if rank > 1 else ""
            row |= {f"class{end}": name, f"probability{end}": share}
        yield row
    if not broken.readable:
        raise broken.none_readable()


def _temperature(run: TrainedRun) -> float:
    """The temperature of the last look at the weights that the run has now. Raises InputError without one."""
    weights = run.weights_checksum()
    for test in reversed(run.tests):
        if test["weights"] == weights:
            return float(test["temperature"])
    raise InputError.of(
        "--calibrated", "a run that nascale test has looked at", f"{run.folder}, which it has not"
    )


class _Broken:
    """Counts what can be read and names what cannot: on stderr, unless nothing at all can be read."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.readable = 0
        self._said = 0

    def add(self, file: Path, why: str) -> None:
        from evaluators.images.files import shown

        self.names.append(f"{shown(file)} ({why})")
        if self.readable:
            self.say()

    def say(self) -> None:
        for name in self.names[self._said :]:
            echo(f"cannot read {name}", err=True)
        self._said = len(self.names)

    def none_readable(self) -> InputError:
        few = "; ".join(self.names[:_NAMED]) + ("; …" if self.names[_NAMED:] else "")
        return InputError.of("IMAGE", "at least one picture that can be read", few or "none")

    def closing(self, found: PicturePaths) -> str:
        """Names what was not named yet; returns the line that counts all."""
        self.say()
        parts = [f"{self.readable:,} picture{'s' if self.readable != 1 else ''}"]
        if self.names:
            parts.append(f"{len(self.names):,} could not be read")
        if found.passed_by:
            few = ", ".join(map(str, found.passed_by[:_NAMED])) + (", …" if found.passed_by[_NAMED:] else "")
            parts.append(f"passed by {len(found.passed_by):,}: {few}")
        return "; ".join(parts)
