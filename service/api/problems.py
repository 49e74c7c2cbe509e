"""Errors as RFC 9457 has them (``application/problem+json``), whose ``detail`` is the one line of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from nascale.cli import one_line
from space.errors import InputError, NascaleError, UnknownNameError, quoted

MEDIA_TYPE = "application/problem+json"
_MEANINGS = {
    400: "The request is no HTTP that can be read",
    401: "The token is missing or wrong",
    403: "The request comes from another site, or is addressed to another host",
    404: "There is nothing of that name; `nearest` holds names like it",
    406: "None of the wanted forms is there",
    408: "The body did not arrive in time",
    409: "It contradicts what is there",
    413: "The body is too large",
    415: "The file is neither a zip archive of pictures nor an npz file",
    416: "The range lies behind the end",
    422: "The request cannot be carried out as it was asked; `detail` names what was wanted and what came",
    429: "There are too many of them",
    503: "The service is not ready",
}
EVERYWHERE = (400, 401, 403, 408, 413, 422, 503)
"""What any operation may answer: the body and the access to it are looked at before the operation is."""


UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the answer whose `ETag` came as `If-None-Match`"}
}


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Unprocessable Content",
                "status": 422,
                "detail": "max_macs: wanted a positive number such as 400M, 1.5G or 250000 (K, M, G are decimal), got 'many'",
            }
        }
    )

    type: str = "about:blank"
    title: str = Field(description="What the status means")
    status: int
    detail: str = Field(description="One line: the argument, what was wanted and what came")
    nearest: list[str] | None = Field(None, description="Names like one that is not there")
    differing: list[str] | None = Field(
        None, description="Keys in which a request differs from an earlier one"
    )
    job: str | None = Field(None, description="The job that the error is about")
    number: int | None = Field(None, description="The trial that has measured the network")


class ApiError(Exception):
    """An error with its status, and members of ``Problem`` beside the detail."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.members = status, detail, headers, members


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """The response of an error."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": one_line(detail),
        **{name: value for name, value in members.items() if value is not None},
    }
    return JSONResponse(document, status, dict(headers or {}), MEDIA_TYPE)


def documented(*statuses: int, but: int | None = None) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation that may answer these errors beside those of ``EVERYWHERE``, one of them left out."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": _MEANINGS[status], "content": content}
        for status in sorted({*EVERYWHERE, *statuses} - {but})
    }


def of_error(error: NascaleError, shown: Callable[[str], str] = str) -> JSONResponse:
    """The response of an error of nascale's own: 404 for a study that is not there, else 422, or 503 of a run that failed.

    ``shown`` makes of its line what clients see.
    """
    if isinstance(error, UnknownNameError):
        status = 404 if str(error).startswith("study:") else 422
        return problem(status, shown(str(error)), nearest=list(error.nearest))
    return problem(422 if isinstance(error, InputError) else 503, shown(str(error)))


def install(app: FastAPI) -> None:
    """Has every error of ``app`` answered as a problem."""

    @app.exception_handler(ApiError)
    async def _(request: Request, error: ApiError) -> Response:
        return problem(error.status, error.detail, error.headers, **error.members)

    @app.exception_handler(NascaleError)
    async def _(request: Request, error: NascaleError) -> Response:
        return of_error(error, request.app.state.context.resources.hidden.text)

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> Response:
        return problem(422, _said(error))

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers |= _allowed(app, request.url.path)
        return problem(error.status_code, _plainly(request, error), headers)


def _allowed(app: FastAPI, path: str) -> dict[str, str]:
    """The header that names all methods of a path; the router knows only those of the first operation there."""
    for template, operations in app.openapi()["paths"].items():
        if compile_path(template)[0].match(path):
            return {"Allow": ", ".join(sorted(name.upper() for name in operations))}
    return {}


def _said(error: RequestValidationError) -> str:
    """The first thing that is wrong, as ``argument: wanted …, got …``."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    more = len(error.errors()) - 1
    tail = f" (and {more} more)" if more else ""
    message = str(first["msg"])
    return f"{where}: {message[:1].lower()}{message[1:]}, got {quoted(first.get('input'))}{tail}"


def _plainly(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"path: there is nothing at {quoted(request.url.path)}"
    if error.status_code == 405:
        return f"method: {request.method} is not allowed at {quoted(request.url.path)}"
    return str(error.detail)
