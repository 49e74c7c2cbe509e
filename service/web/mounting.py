"""Adds the page to the application of the API."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from service.web.pages import entry, families, jobs, models, new_search, studies
from service.web.rendering import STATIC

_PAGES = (entry, new_search, studies, families, jobs, models)


class _Assets(StaticFiles):
    """Files that a browser keeps, and asks about each time whether they are still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def mount(app: FastAPI) -> None:
    """Adds the pages and their files to ``app``, whose ``state.context`` they read from."""
    for module in _PAGES:
        app.include_router(module.router)
    app.mount("/assets", _Assets(directory=STATIC), name="assets")
    app.include_router(entry.elsewhere)  # behind all others: what none of them takes
