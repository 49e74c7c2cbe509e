"""Optuna's dashboard, behind the service's own guard: it may read studies and nothing else.

It is a WSGI application whose page calls absolute paths, so it answers at those.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from results.storage_url import braced, storage_url
from service.jobs.hidden import Hidden

_OF_STUDIES = ("/api", "/csv")
PATHS = ("/dashboard", "/static", *_OF_STUDIES)
"""What the page of optuna-dashboard calls, by its bundle."""
_WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Dashboard:
    """The dashboard of the studies in a storage, which tells nothing ``hidden``; it is loaded when somebody asks for it first."""

    def __init__(self, storage: str, hidden: Hidden) -> None:
        self._storage, self._hidden = storage_url(storage), hidden
        self._application: _WSGI | None = None
        self._lock = threading.Lock()

    async def __call__(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, request)

    def _answer(self, request: Request) -> Response:
        with self._lock:  # its caches are not made for several threads
            status, headers, body = self._ask(request)
        if request.url.path.startswith(_OF_STUDIES):
            body = self._hidden.content(body)
        response = Response(body, int(status.partition(" ")[0]))
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                response.headers.append(name, value)
        return response

    def _ask(self, request: Request) -> tuple[str, list[tuple[str, str]], bytes]:
        told: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
            told[:] = [status, headers]

        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": request.url.path,
            "QUERY_STRING": request.url.query,
            "SERVER_NAME": request.url.hostname or "localhost",
            "SERVER_PORT": str(request.url.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_ACCEPT_ENCODING": request.headers.get("accept-encoding", ""),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": request.url.scheme,
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        pieces = self._loaded()(environ, start)
        try:
            body = b"".join(pieces)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        return told[0], told[1], body

    def _loaded(self) -> _WSGI:
        if self._application is None:
            import optuna
            from optuna_dashboard import wsgi

            self._application = wsgi(optuna.storages.RDBStorage(braced(self._storage)))
        return self._application


def mount(app: FastAPI, storage: str, hidden: Hidden) -> None:
    """Adds the dashboard to ``app``, where nothing but GET is allowed."""
    dashboard = Dashboard(storage, hidden)

    async def answer(request: Request) -> Response:
        return await dashboard(request)

    for path in PATHS:
        for pattern in (path, f"{path}/{{rest:path}}"):
            app.add_route(pattern, answer, methods=["GET"], include_in_schema=False)
