"""Tables as answers: json, csv or parquet, in pages of which each names the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import Response

from nascale.output import plain_rows, render
from service.api.problems import ApiError

if TYPE_CHECKING:
    import pandas as pd

    from service import studies

FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
Format = Annotated[
    Literal["json", "csv", "parquet"] | None,
    Query(description="The form of the table; else the `Accept` header says it, else json"),
]
Accept = Annotated[str | None, Header(include_in_schema=False)]


class Rows(BaseModel):
    """A page of a table: each item has the columns of the frame of trials (docs/results.md)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "number": 7,
                        "key": "5f0c7d",
                        "status": "ok",
                        "accuracy": 0.981,
                        "macs": 1_204_224,
                        "params": 24_186,
                    }
                ],
                "next": None,
            }
        }
    )

    items: list[dict[str, JsonValue]]
    next: int | None = Field(description="`after` of the next page; null for the last")


def table_responses() -> dict[str, Any]:
    """How OpenAPI describes an answer that is a table."""
    text: dict[str, Any] = {"type": "string"}
    return {
        "description": "A page of the table",
        "headers": {
            "Link": {"description": "The next page, rel=next, if there is one", "schema": {"type": "string"}}
        },
        "content": {
            FORMATS["json"]: {"schema": {"$ref": "#/components/schemas/Rows"}},
            FORMATS["csv"]: {"schema": text},
            FORMATS["parquet"]: {"schema": text | {"format": "binary"}},
        },
    }


def chosen(format_: str | None, accept: str | None) -> str:
    """The form that is wanted. Raises ApiError (406) where none of the wanted ones is there."""
    if format_ is not None:
        return format_
    wanted = []
    for part in (accept or "*/*").split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            wanted.append((float(weight), kind))
        except ValueError:
            wanted.append((0.0, kind))
    for share, kind in sorted(wanted, key=lambda one: -one[0]):
        for name, media_type in FORMATS.items():
            if share > 0 and kind in (media_type, "*/*", f"{media_type.partition('/')[0]}/*"):
                return name
    raise ApiError(406, f"Accept: wanted one of {', '.join(FORMATS.values())}, got {accept!r}")


def page_of(
    table: studies.Rows,
    what: tuple[Any, ...],
    count: int,
    rows: Callable[[int, int], pd.DataFrame],
    format_: str,
    after: int | None,
    limit: int,
    request: Request,
) -> Response:
    """A page of ``count`` rows of which ``rows`` gives those from one place to before another. They were chosen from ``table`` by
    ``what``; the page is rendered once."""
    start = after or 0
    following = start + limit if start + limit < count else None

    def content() -> bytes:
        page = rows(start, start + limit)
        if format_ != "json":
            return render(page, format_)
        page.attrs = {}  # pandas copies them with every column that is looked at
        document = {"items": plain_rows(page), "next": following}
        return json.dumps(document, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace")

    body = table.once((*what, format_, start, limit), content)
    return Response(body, media_type=FORMATS[format_], headers=link(request, following))


def link(request: Request, following: object) -> Mapping[str, str]:
    """The header that names the next page; none where there is none."""
    if following is None:
        return {}
    return {"link": f'<{request.url.include_query_params(after=following)}>; rel="next"'}
