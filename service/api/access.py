"""Who may come in: requests to this host, from no other site, with the token as a bearer or in the page's cookie.

Stands in front of the whole application, the mounted ones included, before a body is read.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem
from service.settings import LOOPBACK, Settings
from space.errors import quoted

COOKIE = "nascale_session"
SIGN_IN = "/login"
PUBLIC = (SIGN_IN, "/favicon.ico")
PUBLIC_READS = "/v1/health"
"""May be read by anybody, as whoever watches over a service has no token of it."""
PUBLIC_FOLDER = "/assets/"
"""Style and script of the page, which hold nothing of anybody's."""
_READS = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


class Key:
    """The token and what stands for it in a cookie; comparisons take the same time whatever is right."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self.cookie = hmac.new(self._token, b"nascale page", hashlib.sha256).hexdigest()
        """Tells nothing of the token, and is another for another token."""

    def opens(self, token: str) -> bool:
        """Whether it is the token."""
        return hmac.compare_digest(token.encode(), self._token)

    def opens_page(self, cookie: str) -> bool:
        """Whether it is the cookie."""
        return hmac.compare_digest(cookie.encode(), self.cookie.encode())

    def let_in(self, response: Response) -> Response:
        """``response`` with the cookie, which scripts do not see and other sites do not send."""
        response.set_cookie(
            COOKIE, self.cookie, max_age=30 * 86400, path="/", httponly=True, samesite="strict"
        )
        return response


class Access:
    """The guard before ``app``."""

    def __init__(self, app: ASGIApp, settings: Settings, key: Key) -> None:
        self._app, self._key = app, key
        own = {settings.host} if settings.host not in ("0.0.0.0", "::", "") else set()
        self._hosts = frozenset(name.lower().strip("[]") for name in {*LOOPBACK, *own, *settings.hosts})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        scope["path"] = _segmented(scope)
        headers = Headers(scope=scope)
        guarded = _with_headers(send)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to one who may not come in; None for one who may."""
        host = headers.get("host", "")
        if _name_of(host) not in self._hosts:
            return problem(403, f"Host: wanted a name of this service, got {quoted(host)}")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return problem(403, f"Origin: wanted a page of this service, got {quoted(origin)}")
        path, method = scope["path"], scope["method"]
        if path in PUBLIC or path.startswith(PUBLIC_FOLDER) or (path == PUBLIC_READS and method in _READS):
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if token:
            opened = scheme.lower() == "bearer" and self._key.opens(token.strip())
            return None if opened else _unknown()
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if cookie is not None and self._key.opens_page(cookie):
            if method in _READS or origin is not None or headers.get("sec-fetch-site") == "same-origin":
                return None
            return problem(403, "Origin: wanted a page of this service, got none")
        if method == "GET" and not path.startswith("/v1") and "text/html" in headers.get("accept", ""):
            return RedirectResponse(f"{SIGN_IN}?next={quote(path)}", 303)
        return _unknown()


def _unknown() -> Response:
    return problem(
        401,
        "token: wanted the service's, as Authorization: Bearer …, got another or none",
        {"www-authenticate": 'Bearer realm="nascale"'},
    )


def _name_of(host: str) -> str:
    """The name in a Host header, without its port and brackets, in small letters."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _segmented(scope: Scope) -> str:
    """The path, in whose segments % and / are escaped still: a study's name may hold both.

    ``names.Name`` undoes it for what a segment names.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    segments = (unquote(part) for part in raw.decode("latin-1").partition("?")[0].split("/"))
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in segments)


def _with_headers(send: Send) -> Send:
    """``send`` with the headers that every answer has, where it has none of its own."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def safe_target(path: str | None) -> str:
    """Where to go after signing in: a path of this service, or the first page."""
    if path and path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable():
        return path
    return "/"
