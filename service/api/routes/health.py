"""Whether the service is ready."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError

from nascale.version import VERSION
from service.api.context import Service
from service.api.problems import UNCHANGED, ApiError, documented
from space.errors import NascaleError

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The version, and whether the database answers."""

    model_config = ConfigDict(json_schema_extra={"example": {"version": VERSION, "ready": True}})

    version: str
    ready: bool


@router.get("/health", responses=UNCHANGED | documented(but=401), openapi_extra={"security": []})
def health(service: Service) -> Health:
    """The version, and whether the service is ready. It needs no token, and tells nothing of what is stored or where."""
    try:
        service.check()
    except (NascaleError, SQLAlchemyError):
        raise ApiError(503, "storage: wanted a database that answers, got none") from None
    return Health(version=VERSION, ready=True)
