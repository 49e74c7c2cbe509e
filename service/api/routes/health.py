"""Whether the service is ready."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from nascale.version import VERSION
from results.storage_url import without_password
from service.api.context import Service
from service.api.problems import ApiError, documented
from space.errors import NascaleError

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The version, and whether the database answers."""

    model_config = ConfigDict(json_schema_extra={"example": {"version": VERSION, "ready": True}})

    version: str
    ready: bool


@router.get("/health", responses=documented())
def health(service: Service) -> Health:
    """The version, and whether the service is ready."""
    try:
        service.check()
    except NascaleError as error:
        raise ApiError(503, without_password(str(error), service.settings.storage)) from None
    return Health(version=VERSION, ready=True)
