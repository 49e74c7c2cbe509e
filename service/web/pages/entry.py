"""The first page, signing in, and what is at no other address."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.api.access import safe_target
from service.api.context import Service
from service.web.pages.route import PageRoute
from service.web.rendering import page, theme

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/")
def start(service: Service) -> Response:
    """The studies; where there is none yet, the form for the first."""
    return RedirectResponse("/studies" if service.studies.summaries() else "/new", 303)


@router.get("/login")
def sign_in(
    request: Request, next: Annotated[str, Query(max_length=2000)] = "/", wrong: bool = False
) -> HTMLResponse:
    """The form for the token."""
    return page(request, "login.html", 401 if wrong else 200, next=safe_target(next), wrong=wrong)


@router.get("/assets/theme.css")
def colours() -> Response:
    """The colours and the charts."""
    return Response(theme(), media_type="text/css", headers={"cache-control": "no-cache"})


class _Elsewhere(StringConvertor):
    """A path that is none of the API's, the assets' or what else is mounted."""

    regex = "(?!(?:v1|assets|dashboard|static|api|csv)(?:/|$)).*"


register_url_convertor("elsewhere", _Elsewhere())
elsewhere = APIRouter(include_in_schema=False)


@elsewhere.get("/{path:elsewhere}")
def nowhere(request: Request, path: str) -> HTMLResponse:
    """What is at no address."""
    detail = "There is nothing at this address."
    return page(request, "error.html", 404, title="Not found", detail=detail, nearest=[])
