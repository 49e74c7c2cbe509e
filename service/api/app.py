"""The application: every operation, behind the guard, the limits of bodies and one form of errors."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.responses import JSONResponse

from nascale.version import VERSION
from service.api import problems, session
from service.api.access import Access
from service.api.bodies import Bodies
from service.api.context import Context
from service.api.problems import Problem
from service.api.remembered import Remembered
from service.api.routes import (
    artifacts,
    costs,
    events,
    families,
    health,
    images,
    jobs,
    proposals,
    studies,
    trials,
)
from service.api.tables import Rows

PREFIX = "/v1"
_ROUTERS = (images, costs, families, jobs, events, studies, trials, proposals, artifacts)
_DESCRIPTION = """
Searches for networks that fit images and a budget: submit, follow, stop, pick up, fetch. It does what the command line does.

Errors are `application/problem+json`; their `detail` is the one line of the command line. Lists come in pages: `next` of one
is `after` of the following. Whoever has the token may do everything: `Authorization: Bearer …`; without it only `/v1/health` answers.
"""


def create_app(context: Context) -> FastAPI:
    """The application of a service with these parts."""
    app = FastAPI(
        title="nascale",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.context = context
    problems.install(app)
    app.add_exception_handler(events.NothingMore, events.nothing_more)
    bearer = HTTPBearer(auto_error=False, description="The token of the service")
    app.include_router(health.router, prefix=PREFIX)
    for module in _ROUTERS:
        app.include_router(module.router, prefix=PREFIX, dependencies=[Depends(bearer)])
    app.include_router(session.router)
    _describe(app)
    app.add_middleware(Remembered, state=context.studies.state)
    app.add_middleware(Bodies, settings=context.settings)
    app.add_middleware(
        Access, settings=context.settings, key=context.key
    )  # added last, so that it stands first
    return app


def _describe(app: FastAPI) -> None:
    """The OpenAPI document, with the models that operations name without returning them."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schemas = found["components"]["schemas"]
            for model in (Problem, Rows):
                told = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= told.pop("$defs", {})
                schemas[model.__name__] = told
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(app.openapi())

    for path in (f"{PREFIX}/openapi.json", "/openapi.json"):
        app.add_route(path, answer, include_in_schema=False)
