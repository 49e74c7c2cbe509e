"""A new search, or all of it in a given time (``nascale auto``): images with their checks, budgets, and what to expect before anything starts."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse

from nascale.quantities import parse_quantity
from search.pruning.registry import pruners
from search.samplers.registry import samplers
from service.api.context import Context, Service
from service.api.problems import ApiError
from service.api.routes.costs import SpaceRequest, profile_space
from service.jobs.job import JobKind
from service.web.pages.route import PageRoute
from service.web.rendering import page
from space.errors import NascaleError
from space.spaces import SPACES

router = APIRouter(include_in_schema=False, route_class=PageRoute)
_SPEC = (
    *("data", "space", "resolution", "max_macs", "max_params", "max_memory", "max_latency"),
    *("trials", "epochs", "workers"),
)
"""What the expectation depends on."""
_SAMPLES = 150
"""Networks that are drawn: a share is then right to 4 points (a standard error), which a reader who types waits for."""
_NUMBERS = frozenset({"resolution", "trials", "epochs", "workers"})
_KINDS = ((JobKind.SEARCH, "A search"), (JobKind.AUTO, "All of it, in a given time"))
Name = Annotated[str | None, Query(max_length=100)]
Kind = Literal[JobKind.SEARCH, JobKind.AUTO]


@router.get("/new")
def new(service: Service, request: Request, data: Name = None, kind: Kind = JobKind.SEARCH) -> HTMLResponse:
    """The form of a job of that kind; ``data`` are images that are chosen already."""
    images = service.images.all()
    looked = _looked(service, data) if data is not None else None
    return page(
        request,
        "new.html",
        images=images,
        chosen=data,
        kind=kind.value,
        kinds=[(one.value, word) for one, word in _KINDS],
        address=_address,
        spaces=list(SPACES),
        samplers=list(samplers()),
        pruners=list(pruners()),
        workers=2,
        looked=looked is not None,
        **(looked or {}),
    )


def _address(kind: str, data: str | None) -> str:
    """The form of that kind, with these images."""
    asked = {"data": data, "kind": kind if kind != JobKind.SEARCH else None}
    return f"/new?{urlencode({name: value for name, value in asked.items() if value})}".rstrip("?")


@router.get("/new/choices")
def choices(service: Service, request: Request, data: Name = None) -> HTMLResponse:
    """The images to choose from."""
    return page(request, "new_choices.html", images=service.images.all(), chosen=data)


@router.get("/new/images")
def images(service: Service, request: Request, data: Name = None) -> HTMLResponse:
    """What is in the chosen images, and what is wrong with them."""
    return page(request, "new_images.html", **_looked(service, data or ""))


def _looked(service: Context, name: str) -> dict[str, Any]:
    summary = service.images.look(name)
    source = service.images.named(name)
    counts: dict[str, int] = {}
    for split in summary["splits"].values():
        for label, count in split["counts"].items():
            counts[label] = counts.get(label, 0) + count
    most = max(counts.values(), default=1)
    return {
        "title": source.title or source.name,
        "summary": summary,
        "classes": [(label, count, count / most) for label, count in counts.items()],
    }


@router.get("/new/expected")
def expected(service: Service, request: Request) -> HTMLResponse:
    """The share of the space within the budgets and the estimated time, of the form as it is filled in."""
    spec: dict[str, Any] = {}
    for name in _SPEC:
        value = request.query_params.get(name, "").strip()
        if value:
            spec[name] = int(value) if name in _NUMBERS and value.isdecimal() else value
    time = request.query_params.get("within", "").strip()
    try:
        within = parse_quantity(time, "seconds", "within") if time else None
        found = profile_space(service, SpaceRequest.model_validate({"spec": spec, "samples": _SAMPLES}))
    except (NascaleError, ApiError) as error:
        return page(request, "new_expected.html", error=str(error), found=None)
    except ValidationError:
        return page(
            request, "new_expected.html", error="The form holds something that cannot be read.", found=None
        )
    return page(request, "new_expected.html", error="", found=found, within=within)
