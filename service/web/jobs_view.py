"""Which jobs belong to what a page shows, and what they have left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nascale.proxy_verdict import verdict
from service.jobs.commands import RESULT
from service.jobs.job import Job, JobKind

if TYPE_CHECKING:
    from service.jobs.resources import Resources
    from service.jobs.store import JobStore

_PAGES = 5
"""Pages of the list of jobs that are looked through, newest first: a page shows what was done lately."""
_TAIL = 16_000


def latest(store: JobStore, kind: JobKind | None = None) -> Iterator[Job]:
    """Jobs, newest first, as far back as a page looks."""
    after = None
    for _ in range(_PAGES):
        jobs, after = store.list(kind=kind, after=after, limit=200)
        yield from jobs
        if after is None:
            return


def job_of_study(store: JobStore, study: str) -> Job | None:
    """The job at work on a study, else the last one that was; None where there was none."""
    found = [job for job in latest(store) if job.study == study]
    return next((job for job in found if not job.state.ended), found[0] if found else None)


def trainings_of(store: JobStore, study: str, number: int) -> list[Job]:
    """The trainings of a trial's network, newest first."""
    return [job for job in latest(store, JobKind.TRAIN) if trial_of(job) == (study, number)]


def trial_of(job: Job) -> tuple[str, int] | None:
    """(study, number) of the trial whose network a job trains; None where it is another network."""
    arch = job.spec.get("arch")
    if isinstance(arch, Mapping) and set(arch) == {"study", "trial"}:
        return str(arch["study"]), int(arch["trial"])
    if isinstance(arch, str):
        study, _, number = arch.rpartition(":")
        if study and number.isdecimal():
            return study, int(number)
    return None


def exports_of(store: JobStore, training: str) -> list[Job]:
    """The exports of a training, newest first."""
    return [job for job in latest(store, JobKind.EXPORT) if job.spec.get("job") == training]


def network_name(job: Job) -> str:
    """What a job is about, for the eye: its network, else its study or images."""
    trial = trial_of(job)
    if trial is not None:
        return f"{trial[0]}, trial {trial[1]}"
    arch = job.spec.get("arch")
    if isinstance(arch, Mapping):
        return str(arch.get("name") or "a network")
    if job.kind is JobKind.EXPORT:
        return f"training {job.spec.get('job')}"
    return str(arch or job.spec.get("study") or job.spec.get("data") or "–")


@dataclass(frozen=True)
class Following:
    """From where on a page that was rendered now is kept up to date: the end of the job's log, of ``size`` bytes, and the
    number of its last event."""

    job: str
    log: str
    size: int
    last: int

    @classmethod
    def of(cls, resources: Resources, job: Job) -> Following:
        """The events are read first: what comes between is told twice, and the script knows by the offset."""
        store = resources.store
        last = store.events(job.id, limit=1).last
        try:
            with store.log_path(job.id).open("rb") as file:
                size = file.seek(0, 2)
                text = resources.hidden.piece(file, max(0, size - _TAIL), _TAIL).decode(errors="replace")
        except OSError:
            return cls(job.id, "", 0, last)
        return cls(job.id, text if size <= _TAIL else text.partition("\n")[2], size, last)

    @property
    def events(self) -> str:
        """The address of what follows."""
        return f"/v1/jobs/{self.job}/events?after={self.last}"


def result_of(store: JobStore, job: Job) -> Any:
    """The document that a job's command found; None where there is none yet."""
    try:
        return json.loads((store.folder_of(job.id) / RESULT).read_bytes())
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class ProxyCheck:
    """The last check of a study's proxies: its rows as text, and what they say."""

    job: Job
    rows: list[dict[str, Any]]
    sentences: list[str]


def proxy_check(store: JobStore, study: str) -> ProxyCheck | None:
    """The last check of a study's proxies that found something, else the last one; None where there was none."""
    jobs = [
        job
        for job in latest(store, JobKind.BENCH)
        if job.spec.get("bench") == "proxies" and job.spec.get("study") == study
    ]
    for job in jobs:
        rows = result_of(store, job)
        if isinstance(rows, list) and rows:
            known = [row | {"spearman": _number(row["spearman"])} for row in rows]
            return ProxyCheck(job, [_row(row) for row in known], verdict(known))
    return ProxyCheck(jobs[0], [], []) if jobs else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "proxy": row["proxy"],
        "spearman": _text(row["spearman"]),
        "interval": f"{_text(row['spearman_low'])} to {_text(row['spearman_high'])}",
        "gain": _text(row["gain"], "+.2f"),
        "seconds": row["seconds"],
        "architectures": row["architectures"],
    }


def _text(value: float | None, how: str = ".2f") -> str:
    return "–" if value is None or value != value else format(value, how)


def out_of(store: JobStore, job: Job) -> Path:
    """The folder of what a job's command writes."""
    from service.jobs.subjects import OUT

    return store.folder_of(job.id) / OUT
