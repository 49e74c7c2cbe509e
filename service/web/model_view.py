"""What the page says of a model: a training (or a whole run of ``nascale auto``), its curves, its files, their certificate."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from nascale.quantities import human_count, human_seconds
from results.look import MOST_CLASSES
from results.report import training_charts as charts
from results.training_curves import ACCURACIES, LOSSES, Row, read_metrics
from service.jobs.job import Job, JobKind, JobState
from service.web import jobs_view
from service.web.rendering import percent, study_path
from space.cost import costs
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.export.certificate import Certificate
    from evaluators.trained.run_folder import TrainedRun
    from service.artifacts import Artifacts
    from service.jobs.store import JobStore

_WIDE, _NARROW = (560, 320), (380, 270)
_WORDS = {
    "README.md": "the model card",
    "passport.json": "from which nascale reproduce repeats the training",
    "certificate.json": "how far each file agrees with what was trained",
}
_SHADES = 5
_MEANINGS = ((0, "none"), (1, "below 20 %"), (2, "below 40 %"), (3, "below 60 %"), (_SHADES, "more"))
"""Of the shades of a confusion matrix; the last two have one colour."""


@dataclass(frozen=True)
class Download:
    """A file to fetch."""

    name: str
    description: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """A model as its page shows it; what is not known yet is empty."""

    job: Job
    name: str
    line: str = ""
    tiles: Sequence[tuple[str, str]] = ()
    sentences: Sequence[str] = ()
    accuracies: str = ""
    losses: str = ""
    accuracy_legend: Sequence[tuple[str, str]] = ()
    loss_legend: Sequence[tuple[str, str]] = ()
    certificate: Certificate | None = None
    downloads: Sequence[Download] = ()
    exporting: Job | None = None
    test: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()
    confusion: Mapping[str, Any] | None = None
    finished: bool = False
    from_path: str = ""
    epochs: int | None = None
    accuracy: float | None = None
    tested: float | None = None
    export_job: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exportable(self) -> bool:
        """Whether an export may be started."""
        return self.job.kind is JobKind.TRAIN and self.finished and self.exporting is None

    @property
    def files(self) -> bool:
        return bool(self.downloads)


def models(store: JobStore) -> list[dict[str, Any]]:
    """The models, newest first, in short."""
    found = []
    exported = {
        str(job.spec.get("job"))
        for job in jobs_view.latest(store, JobKind.EXPORT)
        if job.state is JobState.SUCCEEDED
    }
    for job in jobs_view.latest(store):
        if job.kind not in (JobKind.TRAIN, JobKind.AUTO):
            continue
        run = _run(jobs_view.out_of(store, job)) if job.kind is JobKind.TRAIN else None
        found.append(
            {
                "job": job,
                "name": _name(job),
                "epochs": run.spec.get("epochs") if run is not None else None,
                "accuracy": _metric(run, "accuracy") if run is not None else job.progress.get("best"),
                "tested": run.tests[-1].get("accuracy") if run is not None and run.tests else None,
                "files": job.id in exported
                or (jobs_view.out_of(store, job) / "export" / "certificate.json").exists(),
            }
        )
    return found


def model(store: JobStore, artifacts: Artifacts, identifier: str) -> Model:
    """The model that a job trains. Raises InputError for another kind of job, NoSuchJob for none."""
    job = store.get(identifier)
    if job.kind is JobKind.AUTO:
        return _of_auto(store, artifacts, job)
    if job.kind is not JobKind.TRAIN:
        raise InputError.of("model", "a job that trains a network", f"{identifier} ({job.kind})")
    folder = jobs_view.out_of(store, job)
    run, rows = _run(folder), _metrics(folder)
    exports = jobs_view.exports_of(store, job.id)
    export = _newest_certified(store, exports)
    exporting = next((one for one in exports if one.state is not JobState.SUCCEEDED), None)
    if export is not None and exporting is not None and exporting.created < export[0].created:
        exporting = None
    trial = jobs_view.trial_of(job)
    return Model(
        job,
        _name(job),
        line=_line(run, job),
        tiles=_tiles(run, rows),
        **_curves(run, rows),
        certificate=export[2] if export else None,
        downloads=downloads(artifacts, export[1], export[2]) if export else (),
        exporting=exporting,
        **_tests(run, job, store),
        finished=run is not None and run.finished,
        from_path=study_path(trial[0], "trials", trial[1]) if trial else "",
        export_job={"kind": "export", "spec": {"job": job.id}},
    )


def _of_auto(store: JobStore, artifacts: Artifacts, job: Job) -> Model:
    folder = jobs_view.out_of(store, job)
    try:
        state = json.loads((folder / "auto.json").read_bytes())
    except (OSError, ValueError):
        state = {}
    certificate = _certificate(folder / "export")
    exported = state.get("exported") or {}
    tiles = (
        [(percent(state["test"]["accuracy"]), f"of {state['test']['images']} test images right")]
        if state.get("test")
        else []
    )
    if state.get("worth_it"):
        tiles.append((state["worth_it"], "was the search worth it?"))
    if state.get("spent_seconds"):
        tiles.append((human_seconds(state["spent_seconds"]), f"of {human_seconds(state['within_seconds'])}"))
    return Model(
        job,
        _name(job),
        line=str(exported.get("name") or "nascale auto"),
        tiles=tiles,
        sentences=[str(one) for one in state.get("sentences", ())],
        certificate=certificate,
        downloads=downloads(artifacts, folder / "export", certificate) if certificate else (),
        confusion=_confusion(state.get("test") or {}),
        finished=bool(state.get("finished")),
        accuracy=job.progress.get("best"),
    )


def _name(job: Job) -> str:
    return jobs_view.network_name(job) if job.kind is JobKind.TRAIN else f"auto, {job.spec.get('data', '')}"


def _run(folder: Path) -> TrainedRun | None:
    from evaluators.trained.run_folder import open_run

    try:
        return open_run(folder)
    except InputError:
        return None


def _metrics(folder: Path) -> list[Row]:
    from evaluators.trained.run_folder import METRICS

    try:
        return read_metrics(folder / METRICS)
    except (OSError, ValueError):
        return []


def _metric(run: TrainedRun, name: str) -> float | None:
    value = (run.metrics or {}).get(name)
    return float(value) if value is not None else None


def _line(run: TrainedRun | None, job: Job) -> str:
    if run is None:
        return "The training has not begun."
    found = costs(run.architecture)
    told = [
        f"{human_count(found.macs)} MACs",
        f"{human_count(found.params)} parameters",
        f"{run.preprocessing.resolution} pixels",
        f"{len(run.classes)} classes",
    ]
    return " · ".join(told)


def _tiles(run: TrainedRun | None, rows: Sequence[Row]) -> list[tuple[str, str]]:
    if run is None or not rows:
        return []
    told = []
    kept = run.metrics
    if kept:
        told.append((percent(kept["accuracy"]), f"validation accuracy, weights of epoch {kept['epoch']}"))
    told.append((f"{len(rows)} of {run.spec.get('epochs', len(rows))}", "epochs"))
    seconds = rows[-1].get("seconds")
    if seconds is not None:
        told.append((human_seconds(seconds), "of training"))
    return told


def _curves(run: TrainedRun | None, rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {}
    kept = run.metrics if run is not None else None

    def both(draw: Callable[..., str]) -> str:
        return Markup(draw(rows, *_WIDE, "wide") + draw(rows, *_NARROW, "narrow"))

    return {
        "accuracies": both(partial(charts.accuracy_chart, kept=kept)),
        "losses": both(charts.loss_chart),
        "accuracy_legend": charts.legend(ACCURACIES, rows),
        "loss_legend": charts.legend(LOSSES, rows),
    }


def _certificate(folder: Path) -> Certificate | None:
    from evaluators.export.certificate import Certificate

    try:
        return Certificate.of_json(json.loads((folder / "certificate.json").read_bytes()))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _newest_certified(store: JobStore, exports: Sequence[Job]) -> tuple[Job, Path, Certificate] | None:
    for job in exports:
        folder = jobs_view.out_of(store, job)
        found = _certificate(folder) if job.state is JobState.SUCCEEDED else None
        if found is not None:
            return job, folder, found
    return None


def downloads(artifacts: Artifacts, folder: Path, certificate: Certificate) -> list[Download]:
    """The files of an export, kept as artifacts: the certified ones first, then what says what they are."""
    described = {name: row.description for row in certificate.rows if row.written for name in row.files}
    names = [*described, *(name for name in _WORDS if (folder / name).is_file())]
    found = []
    for name in names:
        file = folder / name
        if not file.is_file():
            continue
        (kept,) = artifacts.publish(folder, [file])
        found.append(Download(name, described.get(name) or _WORDS.get(name, ""), kept.bytes, kept.sha256))
    return found


def _tests(run: TrainedRun | None, job: Job, store: JobStore) -> dict[str, Any]:
    if run is None or not run.tests:
        return {}
    look = run.tests[-1]
    told = [
        ("accuracy", f"{percent(look['accuracy'])} ({percent(look['low'])} to {percent(look['high'])})"),
        ("balanced accuracy", percent(look.get("balanced_accuracy"))),
        ("test images", f"{look['images']:,}"),
        ("times looked at", str(len(run.tests))),
    ]
    return {"test": told, "confusion": _confusion(look)}


def _confusion(look: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The confusion matrix of a look at the test images, where it is kept."""
    kept = look.get("confusion")
    return confusion_rows(kept["classes"], kept["counts"]) if kept else None


def confusion_rows(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Mapping[str, Any] | None:
    """A confusion matrix as rows of (name, [(count, shade)]), with what the shades mean; None for more classes than a page
    has room for.

    A shade is the share of the true class, from 0 for none to five.
    """
    if not 0 < len(names) <= MOST_CLASSES:
        return None
    rows = []
    for name, row in zip(names, counts, strict=True):
        total = sum(row) or 1
        shades = [
            (count, 0 if not count else min(_SHADES, 1 + int(_SHADES * count / total))) for count in row
        ]
        rows.append((name, shades))
    return {"names": list(names), "rows": rows, "shades": _MEANINGS}
