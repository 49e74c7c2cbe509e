"""``nascale serve``: the HTTP service and its page."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import click

from space.errors import InputError

_NEEDED = ("fastapi", "uvicorn", "pydantic_settings", "httpx", "jinja2", "python_multipart")


@click.command("serve")
@click.option("--host", metavar="NAME", help="Interface to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: 8123]")
@click.option(
    "--storage",
    metavar="URL",
    help="Where studies and jobs are kept: a SQLite file or the URL of a PostgreSQL database."
    "  [default: $NASCALE_STORAGE, else sqlite:///nascale.db]",
)
@click.option(
    "--data",
    metavar="NAME=SOURCE",
    multiple=True,
    help="Images that may be searched on, under a name, as photos=folder:photos; repeatable.",
)
@click.option(
    "--folder",
    metavar="DIR",
    help="Uploads, logs, artifacts and the token are kept here.  [default: nascale-service]",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Jobs at once.  [default: 2]")
@click.option(
    "--cores",
    type=click.FloatRange(min=0, min_open=True),
    help="Processors that jobs use together.  [default: all]",
)
def command(data: tuple[str, ...], **given: Any) -> None:
    """Serve searches over HTTP, with a page: submit, follow and stop jobs, look at studies, fetch networks.

    Whoever has the token may use the service: $NASCALE_TOKEN, or one that is made at the first start, printed once and
    kept in the folder. Other settings are in docs/service.md.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"serve: wanted the packages of pip install 'nascale[serve]', got none of {', '.join(missing)}"
        )
    from service.serving import serve
    from service.settings import read_settings

    serve(read_settings(data=_sources(data) or None, **given))


def _sources(data: tuple[str, ...]) -> dict[str, str]:
    """Name → source. Raises InputError for what is no ``NAME=SOURCE``."""
    found: dict[str, str] = {}
    for text in data:
        name, equals, source = text.partition("=")
        if not equals or not name or not source:
            raise InputError.of("--data", "NAME=SOURCE, as photos=folder:photos", text)
        if name in found:
            raise InputError.of("--data", "each name once", name)
        found[name] = source
    return found
