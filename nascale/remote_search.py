"""A search that a service runs: submitted, followed and fetched from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nascale.client import Client
from nascale.output import echo, emit
from results.toml_file import read_toml
from space.errors import InputError

_SHOWN = ("number", "accuracy_mean", "accuracy_sem", "repeats", "accuracy", "macs", "params", "key")


def search_there(server: str, spec: str | None, options: Mapping[str, Any], *, quiet: bool) -> None:
    """Runs a search on the service at ``server`` and prints what it says, then its front; ``quiet`` prints the front only.

    Keys of the file ``spec`` are sent as they are; options win over them. Raises InputError for what the service refuses.
    """
    keys = {} if spec is None else dict(read_toml(spec))
    keys |= {name: value for name, value in options.items() if value is not None}
    if "storage" in keys:
        raise InputError.of("storage", "none: the service has its own", keys["storage"])
    with Client(server) as client:
        job = client.submit("search", keys)
        if not quiet:
            echo(f"job {job['id']} on {client.url}, study {job['study']}", err=True)
        try:
            done = client.followed(job["id"], None if quiet else _say)
        except KeyboardInterrupt:
            echo(f"\nleft; job {job['id']} goes on at {client.url}", err=True)
            raise
        front = client.front(done["study"])
    columns = [name for name in _SHOWN if name in front and (front.empty or front[name].notna().any())]
    emit(front, columns=columns, title=f"front of study {done['study']}")


def _say(event: Mapping[str, Any]) -> None:
    """Prints what the job's process has written."""
    if event["event"] == "log":
        echo(str(event.get("text", "")), nl=False)
