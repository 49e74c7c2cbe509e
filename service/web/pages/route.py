"""Routes of pages: what goes wrong becomes a page that says so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from service.api.problems import ApiError
from service.web.rendering import page, study_path
from space.errors import InputError, NascaleError, UnknownNameError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except UnknownNameError as error:
                near = [(study_path(name), name) for name in error.nearest] if _of_study(error) else []
                return page(request, "error.html", 404, title="Not found", detail=str(error), nearest=near)
            except ApiError as error:
                return page(
                    request,
                    "error.html",
                    error.status,
                    title=_title(error.status),
                    detail=error.detail,
                    nearest=[],
                )
            except (InputError, RequestValidationError) as error:
                detail = str(error) if isinstance(error, InputError) else "There is nothing at this address."
                return page(request, "error.html", 404, title="Not found", detail=detail, nearest=[])
            except NascaleError as error:
                return page(
                    request, "error.html", 503, title="That did not work", detail=str(error), nearest=[]
                )

        return handle


def _of_study(error: UnknownNameError) -> bool:
    return str(error).startswith("study:")


def _title(status: int) -> str:
    return "Not found" if status == 404 else "That did not work"
