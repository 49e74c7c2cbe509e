"""Files that jobs leave."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path
from starlette.responses import FileResponse, Response

from service.api.context import Service
from service.api.problems import ApiError, documented
from space.errors import quoted

router = APIRouter(tags=["artifacts"])
_ANY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/artifacts/{sha256}",
    response_class=FileResponse,
    responses={
        200: {
            "description": "The file",
            "headers": {"ETag": {"description": "Its SHA-256 in quotes", "schema": {"type": "string"}}},
            "content": _ANY,
        },
        206: {"description": "The bytes that `Range` asked for", "content": _ANY},
        304: {"description": "What `If-None-Match` names is what is here"},
        **documented(404, 416),
    },
)
def artifact(
    service: Service,
    sha256: Annotated[
        str, Path(min_length=1, max_length=64, description="Of the file's bytes", examples=["0" * 64])
    ],
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A file that a job has left, by the SHA-256 of what it holds."""
    found = service.artifacts.named(sha256)
    if found is None:
        raise ApiError(
            404, f"artifact: wanted the SHA-256 of a file that a job has left, got {quoted(sha256)}"
        )
    kept, file = found
    headers = {"etag": f'"{sha256}"', "cache-control": "private, max-age=31536000, immutable"}
    if if_none_match is not None and (if_none_match.strip() == "*" or f'"{sha256}"' in if_none_match):
        return Response(status_code=304, headers=headers)
    name = kept.name.rpartition("/")[2]
    return FileResponse(file, media_type=kept.media_type, filename=name, headers=headers)
