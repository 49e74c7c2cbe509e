"""Jobs of a service that is measured: a measurement beside a job that has ended is none, so it ends with the reason."""

from __future__ import annotations

from nascale.client import Client
from nascale.server_token import FOLDER
from service.jobs.processes import LOG
from tests.service.api.serving import Serving

_LINES = 60
"""Of a log that are told."""


def expect(served: Serving, client: Client, job: str, *states: str) -> None:
    """Ends the program where a job is in none of these states: with why, and the end of its log as the job's process wrote it."""
    found = client.job(job)
    if found["state"] in states:
        return
    log = served.place / FOLDER / "jobs" / job / LOG
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    said = (
        f"job {job}: wanted one that is {' or '.join(states)}, got {found['state']} in attempt {found['attempt']}, "
        f"why: {found['why']}"
    )
    raise SystemExit("\n".join([said, f"the end of its log, of {len(lines)} lines:", *lines[-_LINES:]]))
