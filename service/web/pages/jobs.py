"""Jobs: the list, and one with its log."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from service.api.context import Context, Service
from service.jobs.job import Job, JobKind, JobState
from service.web import jobs_view
from service.web.pages.models import JobId
from service.web.pages.route import PageRoute
from service.web.rendering import page, plain, study_path

router = APIRouter(include_in_schema=False, route_class=PageRoute)
_FILTERS = (
    ("", "all"),
    *((one.value, one.value) for one in JobState if one not in (JobState.STARTING, JobState.STOPPING)),
)
_PAGE = 50
State = Annotated[JobState | None, Query()]
After = Annotated[str | None, Query(max_length=20)]


@router.get("/jobs")
def jobs(service: Service, request: Request, state: State = None, after: After = None) -> HTMLResponse:
    """The jobs, newest first."""
    asked = {name: value for name, value in (("state", state and state.value), ("after", after)) if value}
    parts = f"/jobs/parts{'?' if asked else ''}{urlencode(asked)}"
    return page(request, "jobs.html", filters=_FILTERS, parts=parts, **_rows(service, state, after))


@router.get("/jobs/parts")
def rows(service: Service, request: Request, state: State = None, after: After = None) -> HTMLResponse:
    """The rows of the list alone."""
    return page(request, "jobs_rows.html", **_rows(service, state, after))


def _rows(service: Context, state: JobState | None, after: str | None) -> dict[str, Any]:
    found, following = service.jobs.list(state=state, after=after, limit=_PAGE)
    known = {row["study"] for row in service.studies.summaries()}
    paths = {job.id: study_path(job.study) for job in found if job.study is not None and job.study in known}
    return {
        "jobs": found,
        "next": following,
        "state": state.value if state else "",
        "paths": paths,
        "subjects": {job.id: jobs_view.network_name(job) for job in found},
    }


@router.get("/jobs/{job}")
def job(service: Service, request: Request, job: JobId) -> HTMLResponse:
    """One job."""
    found = service.jobs.get(job)
    return page(
        request,
        "job.html",
        job=found,
        target=_target(service, found),
        spec=plain(found.spec) or [("settings", "the usual ones")],
        following=jobs_view.Following.of(service.resources, found),
    )


@router.get("/jobs/{job}/parts")
def parts(service: Service, request: Request, job: JobId) -> HTMLResponse:
    """What changes while it runs."""
    found = service.jobs.get(job)
    return page(request, "job_state.html", job=found, target=_target(service, found))


def _target(service: Context, job: Job) -> tuple[str, str] | None:
    """(address, word) of the page of what the job makes; None where there is none, or not yet."""
    if job.kind in (JobKind.TRAIN, JobKind.AUTO):
        return f"/models/{job.id}", "The model"
    if job.kind is JobKind.EXPORT:
        return f"/models/{job.spec.get('job')}", "The model"
    if job.kind is JobKind.BENCH and isinstance(job.spec.get("study"), str):
        return f"{study_path(str(job.spec['study']))}/trust", "What it says"
    if job.study and any(row["study"] == job.study for row in service.studies.summaries()):
        return study_path(job.study), "The study"
    return None
