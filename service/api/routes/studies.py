"""Stored studies: what each searched and how far it is, and its report."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from nascale.output import plain_document
from service.api.context import Service
from service.api.names import PAGE, Limit, Offset, StudyName
from service.api.problems import UNCHANGED, documented

router = APIRouter(prefix="/studies", tags=["studies"])
_REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; frame-ancestors 'self'"
)
"""A report has a script of its own, and may do nothing but show itself."""
_EXAMPLE: JsonDict = {
    "study": "mixed-digits-controller",
    "space": "mixed",
    "sampler": "controller",
    "data": "digits",
    "trials": 40,
    "finished": 40,
    "running": 0,
    "wanted": 40,
    "reused": 3,
    "accuracy": 0.981,
    "objectives": "accuracy ↑",
    "last": "2026-01-05 10:31+00:00",
}


class StudySummary(BaseModel):
    """A study: what it searches, how far it is, and its best accuracy (a fraction)."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    study: str
    space: str | None
    sampler: str | None
    data: str | None
    trials: int
    finished: int
    running: int
    wanted: int | None
    reused: int
    accuracy: float | None
    objectives: str
    last: str | None


class StudyList(BaseModel):
    """A page of studies, oldest first."""

    items: list[StudySummary]
    next: int | None = Field(description="`after` of the next page; null for the last")


class StudyDetail(StudySummary):
    """A study with the spec that it was made from and where it comes from."""

    model_config = ConfigDict(
        json_schema_extra={"example": _EXAMPLE | {"spec": {"trials": 40}, "provenance": {}}}
    )

    spec: dict[str, JsonValue]
    provenance: dict[str, JsonValue]


@router.get("", responses=UNCHANGED | documented())
def list_studies(service: Service, after: Offset = None, limit: Limit = PAGE) -> StudyList:
    """The stored studies."""
    rows, start = service.studies.summaries(), after or 0
    page = [StudySummary(**plain_document(row)) for row in rows[start : start + limit]]
    return StudyList(items=page, next=start + limit if start + limit < len(rows) else None)


@router.get("/{study}", responses=UNCHANGED | documented(404))
def show_study(service: Service, study: StudyName) -> StudyDetail:
    """A study, with its spec and its origin."""
    attributes = service.studies.told(study)
    row = next(row for row in service.studies.summaries() if row["study"] == study)
    return StudyDetail(
        **plain_document(row),
        spec=plain_document(attributes.get("spec", {})),
        provenance=plain_document(attributes.get("provenance", {})),
    )


@router.get(
    "/{study}/report",
    response_class=Response,
    responses={
        200: {
            "description": "One page that needs nothing else",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        **documented(404, 429),
    },
)
def report(service: Service, study: StudyName) -> Response:
    """One HTML file about the study, as `nascale report` writes it."""
    from nascale.repeat import repeat_command
    from results.report.report import report as written

    service.studies.check(study)
    with service.computing():
        text = written(service.studies.loaded(study, architectures=True), repeat=repeat_command)
    return Response(
        text.encode(errors="backslashreplace"),
        media_type="text/html",
        headers={"content-security-policy": _REPORT_POLICY},
    )
