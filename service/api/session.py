"""Signing in to the page: the token becomes a cookie that scripts do not see and other sites do not send."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from service.api.access import COOKIE, SIGN_IN, safe_target
from service.api.context import Service

router = APIRouter(include_in_schema=False)


@router.post(SIGN_IN)
def sign_in(
    service: Service,
    token: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """To the page that was asked for, with the cookie; back to the form where the token is another."""
    target = safe_target(next)
    if not service.key.opens(token.strip()):
        return RedirectResponse(f"{SIGN_IN}?wrong=1&next={quote(target)}", 303)
    return service.key.let_in(RedirectResponse(target, 303))


@router.post("/logout")
def sign_out() -> Response:
    """To the form, without the cookie."""
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response
