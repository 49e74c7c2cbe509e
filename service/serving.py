"""The process of the service: puts its parts together and runs them until it is told to stop."""

from __future__ import annotations

import gc
import socket

import click
import uvicorn
from fastapi import FastAPI

from service import connections, dashboard, memory
from service.api.app import create_app
from service.api.context import Context
from service.jobs.retention import Retention
from service.jobs.supervisor import Supervisor
from service.settings import Settings, check_sources
from service.tokens import Token, token_of
from service.web import mounting
from space.errors import InputError

_SHUTDOWN_SECONDS = 5
_KEEP_ALIVE_SECONDS = 75
"""For longer than clients keep a connection that they do not use (httpx: 5 s): one that both let go of at the same moment is an error."""


def serve(settings: Settings) -> None:
    """Runs the service and its jobs until it is told to stop; jobs then end in order, and wait for the next service.

    Raises InputError for settings that it cannot run with.
    """
    memory.prepare()
    check_sources(settings)
    settings = _within_files(settings)
    token = token_of(settings)
    listening = _listen(settings)
    context = Context.of(settings, token.text)
    supervisor = Supervisor(
        context.resources,
        max_jobs=settings.jobs,
        max_cores=settings.cores,
        stop_seconds=settings.stop_seconds,
        retention=Retention(settings.events, settings.log_bytes, settings.job_days),
        ending=context.studies.forget,
    )
    context.wake = supervisor.wake
    server = connections.Server(_config(application(context), settings))
    gc.collect()
    gc.freeze()  # what was imported stays, and need not be gone through again whenever a study is read
    supervisor.start()
    _greet(settings, token, listening.getsockname()[1])
    try:
        server.run([listening])
    finally:
        supervisor.stop()
        context.jobs.close()


def application(context: Context) -> FastAPI:
    """The whole application: the API, Optuna's dashboard, and the page."""
    app = create_app(context)
    dashboard.mount(app, context.settings.storage, context.resources.hidden)
    mounting.mount(app)
    return app


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        http=connections.protocol(settings.connections, settings.body_seconds),
        limit_concurrency=settings.connections + 1,
        backlog=connections.AT_ONCE,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        lifespan="on",
    )


def _within_files(settings: Settings) -> Settings:
    """The settings with no more connections than the limit on open files leaves room for, half of them at most streams."""
    most = connections.room(settings.connections)
    if most < settings.connections:
        click.echo(f"connections: {most} at once, as far as the limit on open files allows")
    return settings.model_copy(update={"connections": most, "streams": min(settings.streams, most // 2)})


def _listen(settings: Settings) -> socket.socket:
    """The socket. Raises InputError for an interface that is not there or a port that is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP, for asyncio to send small pieces at once: else the end of an answer waits 40 ms for the client's receipt.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host.strip("[]"), settings.port))
        listening.listen(connections.WAITING)
    except OSError as error:
        listening.close()
        wanted = "an interface of this machine and a port that is free"
        raise InputError.of(
            "host, port", wanted, f"{settings.host}:{settings.port} ({error.strerror})"
        ) from None
    return listening


def _greet(settings: Settings, token: Token, port: int) -> None:
    """Says where the service is; a new token is printed this once."""
    click.echo(f"nascale serves at {settings.model_copy(update={'port': port}).url}")
    if token.made:
        click.echo(f"token {token.text}")
        click.echo(f"it is kept in {token.file}, which only you can read")
    elif token.file is not None:
        click.echo(f"the token is in {token.file}")
