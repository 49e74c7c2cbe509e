"""Models: trainings with their curves and files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import HTMLResponse

from service.api.context import Service
from service.web import jobs_view, model_view
from service.web.pages.route import PageRoute
from service.web.rendering import page

router = APIRouter(include_in_schema=False, route_class=PageRoute)
JobId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/models")
def models(service: Service, request: Request) -> HTMLResponse:
    """All models, the newest first."""
    return page(request, "models.html", models=model_view.models(service.jobs))


@router.get("/models/{job}")
def model(service: Service, request: Request, job: JobId) -> HTMLResponse:
    """One model."""
    found = model_view.model(service.jobs, service.artifacts, job)
    at_work = [one for one in (found.job, found.exporting) if one is not None and not one.state.ended]
    following = jobs_view.Following.of(service.resources, at_work[0]) if at_work else None
    return page(request, "model.html", model=found, following=following)


@router.get("/models/{job}/parts")
def parts(service: Service, request: Request, job: JobId) -> HTMLResponse:
    """What changes while it is trained or exported."""
    return page(request, "model_parts.html", model=model_view.model(service.jobs, service.artifacts, job))
