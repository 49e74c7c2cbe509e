"""An export from beginning to end: formats written, run, compared, and moved into the folder."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.export.card import CARD, card
from evaluators.export.card_sections import Story
from evaluators.export.certificate import REFERENCE, Certificate, Row, checksum, verdict
from evaluators.export.format import Format
from evaluators.export.outputs import Outputs, agreement, run_outside
from evaluators.export.passport import PASSPORT, Passport
from evaluators.export.reference import reference
from evaluators.export.subject import Subject, spread
from evaluators.images.image_set import ImageSet
from evaluators.trained.run_folder import EXPORT, TrainedRun
from evaluators.trained.testing import looks_at_weights
from results.files import write_json
from space.errors import InputError, RunError

CERTIFICATE, CLASSES = "certificate.json", "classes.json"
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """How to export: what the graphs take, on how many photos at most they are compared, on how many threads.

    ``force`` writes formats that disagree, too.
    """

    takes: str = "uint8"
    photos: int = 2000
    threads: int = 1
    force: bool = False

    def __post_init__(self) -> None:
        for name in ("photos", "threads"):
            if getattr(self, name) < 1:
                raise InputError.of(f"--{name}", "a positive whole number", getattr(self, name))


def export(
    run: TrainedRun,
    chosen: Sequence[Format],
    settings: ExportSettings = ExportSettings(),
    *,
    data: str | None = None,
    out: Path | None = None,
    story: Story | None = None,
    images: ImageSet | None = None,
    report: Report = lambda line: None,
) -> Certificate:
    """Writes the run's network in the ``chosen`` formats into ``out`` (the run's ``export/``), with a certificate,
    a card, which tells ``story``, and a passport.

    A format that disagrees is left out, and says so in the certificate. Formats of an earlier export of the same
    weights stay. ``data`` is another place of the run's images, ``images`` are they where they were opened before. Nothing changes in the folder before everything is
    written beside it. Raises InputError for other images than the run's, a format that cannot hold the network or a
    folder that cannot be written, and RunError for a format that cannot be made.
    """
    subject = Subject(run, images or run.images(data), settings.takes)
    for form in chosen:
        form.check(subject)
    folder = out or run.folder / EXPORT
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as place:
            certificate = _filled(subject, chosen, settings, Path(place), report)
            certificate = _with_earlier(certificate, folder)
            _describe(subject, certificate, story or Story(), Path(place))
            _move(Path(place), folder, certificate)
    except OSError as error:
        wanted = "a folder that can be written"
        raise InputError.of("--out", wanted, f"{folder} ({error.strerror or error})") from None
    return certificate


def _filled(
    subject: Subject, chosen: Sequence[Format], settings: ExportSettings, place: Path, report: Report
) -> Certificate:
    """Writes all files into ``place`` and compares them."""
    comparison = Comparison.of(subject, settings)
    network = Row(format=REFERENCE, description="the network, run by PyTorch")
    rows = [comparison.compared(network, comparison.reference)]
    for form in chosen:
        report(f"{form.name}: {form.description}")
        try:
            form.write(subject, place)
        except (OSError, InputError):
            raise
        except Exception as error:  # exporters raise whatever their parts raise
            said = " ".join(str(error).split())
            raise RunError(f"{form.name}: cannot be made: {type(error).__name__}: {said}") from error
        rows.append(comparison.judged(form, place, settings))
    certificate = Certificate(
        name=subject.run.name,
        weights=subject.run.weights_checksum(),
        input=subject.takes,
        split="test" if len(subject.images.test) else "validation",
        photos=comparison.photos,
        validation_images=comparison.validation,
        threads=settings.threads,
        rows=tuple(rows),
    )
    for path in place.iterdir():
        if path.name not in certificate.files:
            path.unlink()
    return certificate


def _describe(subject: Subject, certificate: Certificate, story: Story, place: Path) -> None:
    """Writes what says what the files are."""
    classes = json.dumps(list(subject.run.classes), ensure_ascii=False)
    (place / CLASSES).write_text(f"{classes}\n", encoding="utf-8")
    (place / CARD).write_text(card(subject, certificate, story), encoding="utf-8")
    write_json(place / PASSPORT, Passport.of(subject.run).to_json(), "--out")
    write_json(place / CERTIFICATE, certificate.to_json(), "--out")


@dataclass(frozen=True, eq=False)
class Comparison:
    """The images of a comparison, photos first, then ``validation`` images, and the network's answers to them."""

    subject: Subject
    pixels: NDArray[np.uint8]
    inputs: NDArray[Any]
    photos: int
    validation: int
    labels: NDArray[np.int64]
    reference: Outputs

    @classmethod
    def of(cls, subject: Subject, settings: ExportSettings) -> Comparison:
        photos = spread(subject.photos, settings.photos)
        validation = spread(subject.images.validation, settings.photos)
        both = np.concatenate([photos, validation])
        return cls(
            subject,
            subject.pixels(both),
            subject.inputs(both),
            len(photos),
            len(validation),
            subject.images.labels[both],
            reference(subject, both, settings.threads),
        )

    def judged(self, form: Format, place: Path, settings: ExportSettings) -> Row:
        """What is found of a format that lies in ``place``."""
        row = Row(
            format=form.name,
            description=form.description,
            files={name: checksum(place / name) for name in form.files},
            bytes=sum((place / name).stat().st_size for name in form.files),
        )
        if form.runner is None:
            return row
        try:
            images = self.pixels if form.photos else self.inputs
            found = run_outside(form.runner, place / form.files[0], images, settings.threads)
        except RunError as error:
            return replace(row, problem=str(error), written=settings.force)
        row = self.compared(row, found, form.quantised)
        return replace(row, written=row.problem is None or settings.force)

    def compared(self, row: Row, found: Outputs, quantised: bool = False) -> Row:
        """The row with what is found of these answers."""
        close = agreement(found.first(self.photos), self.reference.first(self.photos))
        accuracy, wanted = (
            answers.accuracy(self.labels, slice(self.photos, None)) for answers in (found, self.reference)
        )
        tested = looks_at_weights(self.subject.run) > 0
        return replace(
            row,
            **asdict(close),
            validation_accuracy=accuracy,
            test_accuracy=found.accuracy(self.labels, slice(self.photos)) if tested else None,
            latency_seconds=found.latency_seconds,
            problem=verdict(close, accuracy, wanted, quantised),
        )


def read_certificate(folder: Path) -> Certificate | None:
    """The certificate of an earlier export into ``folder``; None where there is none that can be read."""
    try:
        return Certificate.of_json(json.loads((folder / CERTIFICATE).read_bytes()))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _with_earlier(certificate: Certificate, folder: Path) -> Certificate:
    """With the rows of an earlier export of the same weights, whose files are still what they were."""
    earlier = read_certificate(folder)
    if earlier is None or (earlier.weights, earlier.input) != (certificate.weights, certificate.input):
        return certificate
    new = {row.format for row in certificate.rows}
    sums = {name: digest for row in certificate.rows if row.written for name, digest in row.files.items()}
    kept = [
        row
        for row in earlier.rows
        if row.format not in new
        and row.written
        and all(sums.get(name, digest) == digest for name, digest in row.files.items())
        and all(_same(folder / name, digest) for name, digest in row.files.items())
    ]
    return replace(certificate, rows=(*certificate.rows, *kept))


def _same(path: Path, digest: str) -> bool:
    return path.is_file() and checksum(path) == digest


def _move(place: Path, folder: Path, certificate: Certificate) -> None:
    """Each new file takes the place of an old one in one step; certified files of before that are no longer go."""
    earlier = read_certificate(folder)
    folder.mkdir(exist_ok=True)
    for path in sorted(place.iterdir(), key=lambda p: p.name == CERTIFICATE):
        path.chmod(0o644)
        os.replace(path, folder / path.name)
    for name in (earlier.files if earlier else frozenset()) - certificate.files:
        with suppress(FileNotFoundError):
            (folder / name).unlink()
