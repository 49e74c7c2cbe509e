"""An export from beginning to end: formats written, run, compared, and moved into the folder."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.export.certificate import REFERENCE, Certificate, Row, checksum, verdict
from evaluators.export.format import Format
from evaluators.export.outputs import Outputs, agreement, run_outside
from evaluators.export.reference import reference
from evaluators.export.subject import Subject, spread
from evaluators.trained.run_folder import BEST, EXPORT, TrainedRun
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
    report: Report = lambda line: None,
) -> Certificate:
    """Writes the run's network in the ``chosen`` formats into ``out`` (the run's ``export/``), with a certificate.

    A format that disagrees is left out, and says so in the certificate. Formats of an earlier export of the same
    weights stay. ``data`` is another place of the run's images. Nothing changes in the folder before everything is
    written beside it. Raises InputError for other images than the run's or a folder that cannot be written, and
    RunError for a format that cannot be made.
    """
    subject = Subject(run, run.images(data), settings.takes)
    folder = out or run.folder / EXPORT
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as place:
            certificate = _filled(subject, chosen, settings, Path(place), report)
            certificate = _with_earlier(certificate, folder)
            write_json(Path(place) / CERTIFICATE, certificate.to_json(), "--out")
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
    rows = [comparison.row(REFERENCE, comparison.reference)]
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
    classes = json.dumps(list(subject.run.classes), ensure_ascii=False)
    (place / CLASSES).write_text(f"{classes}\n", encoding="utf-8")
    return Certificate(
        name=subject.run.name,
        weights=checksum(subject.run.folder / BEST),
        input=subject.takes,
        split="test" if len(subject.images.test) else "validation",
        photos=comparison.photos,
        validation_images=comparison.validation,
        threads=settings.threads,
        rows=tuple(rows),
    )


@dataclass(frozen=True, eq=False)
class Comparison:
    """The images of a comparison, photos first, then ``validation`` images, and the network's answers to them."""

    subject: Subject
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
            subject.inputs(both),
            len(photos),
            len(validation),
            subject.images.labels[both],
            reference(subject, both, settings.threads),
        )

    def judged(self, form: Format, place: Path, settings: ExportSettings) -> Row:
        """What is found of a format that lies in ``place``; its files go away again where it is not to be written."""
        files = {name: checksum(place / name) for name in form.files}
        size = sum((place / name).stat().st_size for name in form.files)
        if form.runner is None:
            return Row(format=form.name, files=files, bytes=size)
        try:
            found = run_outside(form.runner, place / form.files[0], self.inputs, settings.threads)
            row = self.row(form.name, found, files, size, form.quantised, settings.force)
        except RunError as error:
            row = Row(format=form.name, files=files, bytes=size, problem=str(error), written=settings.force)
        if not row.written:
            for name in form.files:
                (place / name).unlink()
        return row

    def row(
        self,
        name: str,
        found: Outputs,
        files: dict[str, str] | None = None,
        size: int | None = None,
        quantised: bool = False,
        force: bool = False,
    ) -> Row:
        """The row of these answers."""
        close = agreement(found.first(self.photos), self.reference.first(self.photos))
        accuracy, wanted = (
            answers.accuracy(self.labels, slice(self.photos, None)) for answers in (found, self.reference)
        )
        problem = verdict(close, accuracy, wanted, quantised)
        tested = bool(self.subject.run.tests) and len(self.subject.images.test) > 0
        return Row(
            format=name,
            files=files or {},
            bytes=size,
            **asdict(close),
            validation_accuracy=accuracy,
            test_accuracy=found.accuracy(self.labels, slice(self.photos)) if tested else None,
            latency_seconds=found.latency_seconds,
            problem=problem,
            written=problem is None or force,
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
    kept = [
        row
        for row in earlier.rows
        if row.format not in new
        and row.written
        and not set(row.files) & certificate.files
        and all(_same(folder / name, digest) for name, digest in row.files.items())
    ]
    return Certificate(**{**vars(certificate), "rows": (*certificate.rows, *kept)})


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
