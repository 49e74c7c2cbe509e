"""Jobs as answers: what is told of one, and the files that it has left."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from nascale.output import plain_document
from service.api.names import escaped
from service.artifacts import Artifact
from service.jobs.commands import RESULT
from service.jobs.job import Job, JobKind, JobState
from service.jobs.subjects import OUT

if TYPE_CHECKING:
    from service.api.context import Context

_EXPORT = "export"
_ID = "5f0c7d1e9a3b2c4d"
_EXAMPLE: JsonDict = {
    "id": _ID,
    "kind": "search",
    "state": "running",
    "spec": {"data": "digits", "max_macs": "5M", "trials": 40},
    "why": None,
    "attempt": 1,
    "progress": {"done": 12, "wanted": 40, "unit": "trials", "best": 0.967},
    "study": "mixed-digits-controller-1f2e3d",
    "cores": 2.0,
    "created": "2026-01-05T10:30:00Z",
    "started": "2026-01-05T10:30:01Z",
    "heartbeat": "2026-01-05T10:31:00Z",
    "ended": None,
    "exit_code": None,
    "links": {
        "self": f"/v1/jobs/{_ID}",
        "events": f"/v1/jobs/{_ID}/events",
        "log": f"/v1/jobs/{_ID}/log",
        "study": "/v1/studies/mixed-digits-controller-1f2e3d",
    },
    "artifacts": [],
}


class JobFile(BaseModel):
    """A file that a job has left; its bytes are at /v1/artifacts/{sha256}."""

    name: str
    sha256: str
    bytes: int


class JobDocument(BaseModel):
    """A job: what was asked for, and where it stands. Times are in UTC."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: str
    kind: JobKind
    state: JobState
    spec: dict[str, JsonValue]
    why: str | None = Field(description="How it came to this state, where that is not plain")
    attempt: int = Field(description="How often it was begun; 0 before the first time")
    progress: dict[str, JsonValue] = Field(
        description="`done` of `wanted` in units of `unit` (trials, epochs); `best`, the best accuracy so far"
    )
    study: str | None = Field(description="The study that it works on")
    cores: float = Field(description="Processors that it counts for")
    created: datetime
    started: datetime | None
    heartbeat: datetime | None = Field(description="When the service last saw its process")
    ended: datetime | None
    exit_code: int | None = Field(description="Of its process; negative where a signal ended that")
    links: dict[str, str]
    artifacts: list[JobFile] = Field(description="Files that it has left, once it has succeeded")

    @classmethod
    def of(cls, job: Job, artifacts: list[Artifact] | None = None) -> JobDocument:
        """The document of a job."""
        here = f"/v1/jobs/{job.id}"
        links = {"self": here, "events": f"{here}/events", "log": f"{here}/log"}
        if job.study is not None:
            links["study"] = f"/v1/studies/{escaped(job.study)}"
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            spec=plain_document(job.spec),
            why=job.why,
            attempt=job.attempt,
            progress=plain_document(job.progress),
            study=job.study,
            cores=job.cores,
            created=job.created,
            started=job.started,
            heartbeat=job.heartbeat,
            ended=job.ended,
            exit_code=job.exit_code,
            links=links,
            artifacts=[JobFile(name=one.name, sha256=one.sha256, bytes=one.bytes) for one in artifacts or ()],
        )


def artifacts_of(service: Context, job: Job) -> list[Artifact]:
    """The files that a job has left for others, which are kept as artifacts from now on; none before it has succeeded."""
    if job.state is not JobState.SUCCEEDED:
        return []
    found: list[Artifact] = []
    for folder, files in _left(service, job):
        found += service.artifacts.publish(folder, files)
    return found


def _left(service: Context, job: Job) -> list[tuple[Path, list[Path]]]:
    """(folder, files in it) of what a job has left: the table or document that it found, and an export."""
    own = service.jobs.folder_of(job.id)
    result = own / RESULT
    left = [(own, [result])] if result.is_file() else []
    if job.kind in (JobKind.EXPORT, JobKind.AUTO):
        folder = own / OUT if job.kind is JobKind.EXPORT else own / OUT / _EXPORT
        files = sorted(one for one in folder.rglob("*") if one.is_file() and not one.name.startswith("."))
        left += [(folder, files)] if files else []
    return left
