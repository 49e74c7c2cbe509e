"""The trials of a study: all of them, its front, one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from nascale.output import plain_rows
from service.api.context import Service
from service.api.names import PAGE, Limit, Offset, StudyName, TrialNumber
from service.api.problems import UNCHANGED, ApiError, documented
from service.api.tables import Accept, Format, chosen, page_of, table_responses

if TYPE_CHECKING:
    import pandas as pd

    from service.studies import Rows

router = APIRouter(prefix="/studies/{study}", tags=["studies"])
_TYPED = ("parquet",)
"""Forms in which the pages of a table have its categories, which only all of its rows tell."""
Where = Annotated[
    str | None,
    Query(
        max_length=1000,
        description="Keep the rows that satisfy this",
        examples=["macs < 5M and accuracy > 0.9"],
    ),
]
Axis = Annotated[str | None, Query(max_length=200, description="Column of the front", examples=["macs"])]


class Trial(BaseModel):
    """A trial: its row of the table, and its network as JSON where it has one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "row": {"number": 7, "status": "ok", "accuracy": 0.981, "macs": 1204224},
                "architecture": {"format": 1},
            }
        }
    )

    row: dict[str, JsonValue]
    architecture: dict[str, JsonValue] | None = Field(description="As `nascale export --to json` writes it")


@router.get(
    "/trials",
    response_class=Response,
    responses={200: table_responses(), **UNCHANGED, **documented(404, 406)},
)
def list_trials(
    service: Service,
    request: Request,
    study: StudyName,
    where: Where = None,
    format: Format = None,
    after: Offset = None,
    limit: Limit = PAGE,
    accept: Accept = None,
) -> Response:
    """The trials of a study in order of number, with the columns of its frame."""
    from results import filter as rows

    wanted, what = chosen(format, accept), ("trials", where)
    if where is None and wanted not in _TYPED:
        outline = service.studies.outline(study)
        numbers = outline.numbers
        return page_of(
            outline,
            what,
            len(numbers),
            lambda start, end: outline.rows(numbers[start:end]),
            wanted,
            after,
            limit,
            request,
        )
    table = service.studies.table(study)
    found = table.frame if where is None else rows.where(table.frame, where)
    return _page(table, what, found, wanted, after, limit, request)


@router.get(
    "/front", response_class=Response, responses={200: table_responses(), **UNCHANGED, **documented(404, 406)}
)
def front(
    service: Service,
    request: Request,
    study: StudyName,
    x: Axis = None,
    y: Axis = None,
    where: Where = None,
    format: Format = None,
    after: Offset = None,
    limit: Limit = PAGE,
    accept: Accept = None,
) -> Response:
    """The Pareto front of a study, best accuracy first."""
    from results import filter as rows
    from results.front import front_of

    wanted, what = chosen(format, accept), ("front", x, y, where)
    if x is None and y is None and where is None and wanted not in _TYPED:
        outline = service.studies.outline(study)
        return _page(outline, what, outline.once(what, outline.front), wanted, after, limit, request)
    table = service.studies.table(study)

    def found() -> pd.DataFrame:
        frame = table.frame if where is None else rows.where(table.frame, where)
        return front_of(frame, x=x, y=y)

    return _page(table, what, table.once(what, found), wanted, after, limit, request)


def _page(table: Rows, what: tuple[Any, ...], rows: pd.DataFrame, *rest: Any) -> Response:
    """A page of ``rows``, which were chosen from ``table`` by ``what``."""
    return page_of(table, what, len(rows), lambda start, end: rows.iloc[start:end], *rest)


@router.get("/trials/{number}", responses=UNCHANGED | documented(404))
def show_trial(service: Service, study: StudyName, number: TrialNumber) -> Trial:
    """One trial, with its network."""
    from results.studies import architecture
    from space.codec import to_dict
    from space.errors import InputError

    outline = service.studies.outline(study)
    found = outline.rows([number])
    if found.empty:
        wanted = f"a number up to {outline.numbers[-1]}" if outline.numbers else "a study with trials"
        raise ApiError(404, f"trial: wanted {wanted} (study {study}), got {number}")
    network = None
    try:
        network = to_dict(architecture(study, number, service.settings.storage))
    except InputError:  # a study of a table has none
        network = None
    return Trial(row=plain_rows(found)[0], architecture=network)
