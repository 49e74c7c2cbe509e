"""The events of a job as they happen (server-sent events)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response, StreamingResponse

from service.api.context import Service
from service.api.problems import ApiError, documented
from service.api.routes.jobs import JobId
from service.jobs.errors import NoSuchJob
from service.jobs.job import EventType, Job

router = APIRouter(prefix="/jobs", tags=["jobs"])
_Sequence = Annotated[int | None, Query(ge=0, lt=2**53, description="As `Last-Event-ID`")]
_LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, lt=2**53, description="The event to go on from", examples=[12]),
]


class NothingMore(Exception):
    """A job has ended, and its follower has had everything: 204 tells a browser not to come again."""


def _job(service: Service, id: JobId) -> Job:
    try:
        return service.jobs.get(id)
    except NoSuchJob as error:
        raise ApiError(404, str(error)) from None


async def _from(
    service: Service,
    job: Annotated[Job, Depends(_job)],
    after: _Sequence = None,
    last_event_id: _LastEventId = None,
) -> AsyncIterator[int]:
    """Where to go on from; holds a place among the followers until the stream has ended."""
    start = last_event_id if last_event_id is not None else after or 0
    if start and job.state.ended and (await run_sync(service.jobs.events, job.id, start, 1)).last == start:
        raise NothingMore
    with service.followers.place() as free:
        if not free:
            wanted = f"at most {service.settings.streams} streams at once"
            raise ApiError(429, f"events: wanted {wanted}, got one more", {"retry-after": "10"})
        yield start


_EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": [*EventType, "reset"]},
        "id": {"type": "string", "description": "The sequence number; none with `reset`"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}


@router.get(
    "/{id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "Events as they happen",
            "content": {"text/event-stream": {"itemSchema": _EVENT}},
        },
        204: {"description": "The job has ended, and nothing comes behind that event"},
        **documented(404, 429),
    },
)
async def job_events(
    service: Service, job: Annotated[Job, Depends(_job)], start: Annotated[int, Depends(_from)]
) -> Response:
    """What happens to a job: `job`, `epoch`, `trial`, `front`, `log`, `end`, each with its sequence number as id.

    `reset` comes where events behind `Last-Event-ID` are kept no more: what is known of the job is to be read anew.
    """
    # Not FastAPI's own way, which writes each event down for each follower. The header is for proxies that would keep events back.
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(
        service.followers.follow(job.id, start), headers=headers, media_type="text/event-stream"
    )


async def nothing_more(*_: object) -> Response:
    """The answer for ``NothingMore``."""
    return Response(status_code=204)
