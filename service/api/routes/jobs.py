"""Jobs: submitted, listed, ended, picked up again, removed; and what their processes write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from service.api.context import Service
from service.api.jobs import JobDocument, artifacts_of
from service.api.names import Limit
from service.api.problems import ApiError, documented
from service.api.tables import link
from service.jobs.errors import KeyTaken, NoSuchJob, QueueFull, WrongState
from service.jobs.job import CancelMode, JobKind, JobState
from service.jobs.plans import submit

router = APIRouter(prefix="/jobs", tags=["jobs"])
MOST_LOG = 2**20
JobId = Annotated[
    str,
    Path(min_length=1, max_length=64, description="The id of a job", examples=["5f0c7d1e9a3b2c4d"]),
    AfterValidator(lambda text: text if text.isascii() and text.isalnum() else "-"),
]
"""What is no id at all becomes one that no job has."""
_TEXT = {"text/plain": {"schema": {"type": "string"}}}


class JobRequest(BaseModel):
    """What is to be done. The spec has the options of the command of that name, with underscores."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "kind": "search",
                "spec": {"data": "digits", "space": "mixed", "max_macs": "5M", "trials": 40, "epochs": 3},
            }
        },
    )

    kind: JobKind
    spec: dict[str, JsonValue] = Field(
        description="`data` is the id of images (GET /v1/data); see docs/service.md for the other keys of each kind"
    )


class JobPage(BaseModel):
    """A page of jobs, newest first."""

    items: list[JobDocument]
    next: str | None = Field(description="`after` of the next page; null for the last")


class CancelRequest(BaseModel):
    """How a job is to end: `stop` lets it end in order within a minute, `kill` ends it now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"mode": "stop"}})

    mode: Literal["stop", "kill"] = "stop"


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": JobDocument, "description": "The job that was submitted under the same key before"},
        **documented(404, 409, 429),
    },
)
def submit_job(
    service: Service,
    asked: JobRequest,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=255, description="The same request again gives the same job"),
    ] = None,
) -> JobDocument:
    """Has a job wait for its turn."""
    settings = service.settings
    try:
        job, new = submit(
            service.resources, asked.kind, asked.spec, idempotency_key, most_waiting=settings.queue
        )
    except KeyTaken as error:
        raise ApiError(409, str(error), differing=list(error.differing), job=error.job) from None
    except QueueFull as error:
        raise ApiError(429, str(error), {"retry-after": "60"}) from None
    service.wake()
    response.status_code = 201 if new else 200
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return JobDocument.of(job)


@router.get("", responses=documented())
def list_jobs(
    service: Service,
    request: Request,
    response: Response,
    state: Annotated[JobState | None, Query(description="Only those in this state")] = None,
    kind: Annotated[JobKind | None, Query(description="Only those of this kind")] = None,
    after: Annotated[
        str | None,
        Query(pattern="^[0-9]{1,18}$", description="The `next` of the page before", examples=["41"]),
    ] = None,
    limit: Limit = 50,
) -> JobPage:
    """Jobs, newest first."""
    jobs, following = service.jobs.list(state, kind, after, limit)
    response.headers.update(link(request, following))
    return JobPage(items=[JobDocument.of(job) for job in jobs], next=following)


@contextmanager
def _refusals(id: str) -> Iterator[None]:
    """Turns what the store refuses about a job into the answers that say so."""
    try:
        yield
    except NoSuchJob as error:
        raise ApiError(404, str(error)) from None
    except WrongState as error:
        raise ApiError(409, str(error), job=id) from None


@router.get("/{id}", responses=documented(404))
def show_job(service: Service, id: JobId) -> JobDocument:
    """A job, with the files that it has left."""
    with _refusals(id):
        job = service.jobs.get(id)
    return JobDocument.of(job, artifacts_of(service, job))


@router.post("/{id}/cancel", status_code=202, responses=documented(404, 409))
def cancel_job(service: Service, id: JobId, asked: CancelRequest) -> JobDocument:
    """Has a job end; one that waits is cancelled now. It can be resumed."""
    with _refusals(id):
        job = service.jobs.request_cancel(id, CancelMode(asked.mode))
    service.wake()
    return JobDocument.of(job)


@router.post("/{id}/resume", status_code=202, responses=documented(404, 409))
def resume_job(service: Service, id: JobId) -> JobDocument:
    """Has a job that failed or was cancelled go on where it stopped."""
    with _refusals(id):
        job = service.jobs.resume(id)
    service.wake()
    return JobDocument.of(job)


@router.delete("/{id}", status_code=204, responses=documented(404, 409))
def delete_job(service: Service, id: JobId) -> None:
    """Removes a job that has ended, with its log and files; its study and artifacts are kept."""
    with _refusals(id):
        service.jobs.delete(id)


@router.get(
    "/{id}/log",
    response_class=Response,
    responses={
        200: {
            "description": "A piece of the log",
            "content": _TEXT,
            "headers": {
                "Next-Offset": {"description": "`offset` of the next piece", "schema": {"type": "integer"}},
                "Log-Size": {"description": "Bytes that there are by now", "schema": {"type": "integer"}},
            },
        },
        **documented(404, 416),
    },
)
def job_log(
    service: Service,
    id: JobId,
    offset: Annotated[int, Query(ge=0, lt=2**53, description="Bytes to leave out")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_LOG, description="Bytes at most")] = MOST_LOG,
) -> Response:
    """What the process of a job has written, from a byte on; the server's places in it are written over with asterisks."""
    with _refusals(id):
        service.jobs.get(id)
    piece, size = b"", 0
    path = service.jobs.log_path(id)
    if path.is_file():
        with path.open("rb") as log:
            size = log.seek(0, 2)
            piece = service.resources.hidden.piece(log, min(offset, size), limit)
    if offset > size:
        raise ApiError(416, f"offset: wanted at most {size}, the size of the log, got {offset}")
    headers = {"next-offset": str(offset + len(piece)), "log-size": str(size)}
    return Response(piece, media_type="text/plain; charset=utf-8", headers=headers)
