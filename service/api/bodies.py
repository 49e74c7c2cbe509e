"""Bodies of requests: how large they may be, and in what time they arrive."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nascale.quantities import human_bytes, human_seconds
from service.api.problems import problem
from service.settings import Settings

UPLOADS = ("/v1/data",)


class Bodies:
    """Refuses bodies that are too large (413) or too slow (408) for ``app``, as soon as that is known."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        settings = self._settings
        upload = scope["path"] in UPLOADS
        most = settings.upload_bytes if upload else settings.body_bytes
        within = settings.upload_seconds if upload else settings.body_seconds
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            await problem(400, "Content-Length: wanted a number of bytes")(scope, receive, send)
            return
        if len(length) > 18 or int(length) > most:
            await problem(413, _too_large(most), {"connection": "close"})(scope, receive, send)
            return
        taken, deadline, whole = 0, time.monotonic() + within, False

        async def reading() -> Message:
            nonlocal taken, whole
            if whole:  # what follows is that the client goes, whenever that may be
                return await receive()
            left = min(deadline - time.monotonic(), settings.pause_seconds)
            try:
                async with asyncio.timeout(max(0.0, left)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408,
                    f"body: wanted all of it within {human_seconds(within)} and no pause of "
                    f"{human_seconds(settings.pause_seconds)}, got less",
                    {"connection": "close"},
                ) from None
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                if taken > most:
                    raise HTTPException(413, _too_large(most), {"connection": "close"})
            return message

        await self._app(scope, reading, send)


def _too_large(most: int) -> str:
    return f"body: wanted at most {human_bytes(most)}, got more"
