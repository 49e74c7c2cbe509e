"""Studies: the list, one with its live front, and the networks in it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, JSONResponse, Response

from nascale.repeat import repeat_command
from results.plots import architecture as drawing
from results.provenance import facts
from results.report import sections
from service.api.context import Context, Service
from service.api.names import StudyName, TrialNumber
from service.jobs.job import JobState
from service.web import jobs_view, trust_view
from service.web.network_view import NetworkView
from service.web.pages.route import PageRoute
from service.web.rendering import page, plain, study_path
from service.web.study_view import study_parts
from space.codec import to_dict
from space.errors import InputError

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/studies")
def studies(service: Service, request: Request) -> HTMLResponse:
    """All studies, the newest first."""
    rows = [row | {"path": study_path(row["study"])} for row in reversed(service.studies.summaries())]
    return page(request, "studies.html", rows=rows)


@router.get("/studies/{study}")
def study(service: Service, request: Request, study: StudyName) -> HTMLResponse:
    """A study with its front."""
    parts = _parts(service, study)
    attributes = service.studies.told(study)
    spec = attributes.get("spec", {})
    network = None
    if parts["best"] is not None:
        network = NetworkView.of(service.studies, study, parts["best"])
    job = parts["job"]
    return page(
        request,
        "study.html",
        **parts,
        network=network,
        report=f"/v1{study_path(study, 'report')}",
        command=repeat_command(study, spec) if spec else "",
        facts=[*plain(spec), *facts(attributes.get("provenance", {}))],
        following=jobs_view.Following.of(service.resources, job) if job is not None else None,
    )


@router.get("/studies/{study}/parts")
def parts(service: Service, request: Request, study: StudyName) -> HTMLResponse:
    """Those parts of the page that change while trials end."""
    return page(request, "study_parts.html", **_parts(service, study))


def _parts(service: Context, study: str) -> dict[str, Any]:
    job = jobs_view.job_of_study(service.jobs, study)
    return {
        **study_parts(service.studies, study),
        "name": study,
        "at": study_path(study),
        "job": job,
    }


@router.get("/studies/{study}/trust")
def trust(service: Service, request: Request, study: StudyName) -> HTMLResponse:
    """How far the figures of a study can be trusted."""
    check = jobs_view.proxy_check(service.jobs, study)
    told = trust_view.trust(service.studies, study)
    return page(request, "trust.html", **told, name=study, at=study_path(study), check=check)


@router.get("/studies/{study}/trials/{number}")
def network(service: Service, request: Request, study: StudyName, number: TrialNumber) -> HTMLResponse:
    """One network."""
    found = NetworkView.of(service.studies, study, number)
    trainings = jobs_view.trainings_of(service.jobs, study, number)
    trained = next((job for job in trainings if job.state is JobState.SUCCEEDED), None)
    return page(
        request,
        "network.html",
        network=found,
        name=study,
        at=study_path(study),
        key=Markup(sections.block_key()),
        trainings=trainings,
        exportable={"kind": "export", "spec": {"job": trained.id}} if trained is not None else None,
    )


@router.get("/studies/{study}/trials/{number}/panel")
def panel(service: Service, request: Request, study: StudyName, number: TrialNumber) -> HTMLResponse:
    """One network in short, for beside the front."""
    return page(request, "network_panel.html", network=NetworkView.of(service.studies, study, number))


@router.get("/studies/{study}/trials/{number}/drawing.svg")
def picture(service: Service, study: StudyName, number: TrialNumber) -> Response:
    """The picture of a network, with its colours in it."""
    network = _network(service, study, number)
    text = drawing.svg(network.replace(name=f"{study}:{number}"))
    return Response(text, media_type="image/svg+xml", headers=_attachment(f"trial-{number}.svg"))


@router.get("/studies/{study}/trials/{number}/architecture.json")
def document(service: Service, study: StudyName, number: TrialNumber) -> Response:
    """A network as the commands read it."""
    return JSONResponse(
        to_dict(_network(service, study, number)), headers=_attachment(f"trial-{number}.json")
    )


def _network(service: Context, study: str, number: int) -> Any:
    found = NetworkView.of(service.studies, study, number)
    if found.network is None:
        raise InputError.of("trial", f"one that holds a network (study {study})", number)
    return found.network


def _attachment(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
