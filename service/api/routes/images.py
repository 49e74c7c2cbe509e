"""The images that may be searched on."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Path, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from service.api.context import Context, Service
from service.api.problems import ApiError, documented
from service.images import Full, ImageSource, NoImages
from space.errors import UnknownNameError

router = APIRouter(prefix="/data", tags=["data"])
_PIECE = 2**20
_SUMMARY: JsonDict = {
    "images": 1797,
    "classes": ["0", "1", "2"],
    "height": 8,
    "width": 8,
    "channels": 1,
    "splits": {"train": {"images": 1151, "counts": {"0": 114}, "origin": "all images"}},
    "warnings": [],
}


class Images(BaseModel):
    """Images that may be searched on: `id` is what the `data` of a job names."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "digits", "title": "digits", "origin": "configured"}}
    )

    id: str
    title: str = Field(description="What a person called them")
    origin: Literal["configured", "upload"]


class ImageList(BaseModel):
    """All of them."""

    items: list[Images]
    next: None = None


class CheckedImages(Images):
    """Images with their layout and checks."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"id": "digits", "title": "digits", "origin": "configured", "summary": _SUMMARY}
        }
    )

    summary: dict[str, JsonValue] = Field(
        description="What `nascale data` says: classes, splits, what was left out, duplicates, warnings"
    )


@router.get("", responses=documented())
def list_images(service: Service) -> ImageList:
    """The images that may be searched on."""
    return ImageList(items=[Images(**_told(one)) for one in service.images.all()])


@router.get("/{id}", responses=documented(404))
def show_images(
    service: Service,
    id: Annotated[str, Path(min_length=1, max_length=100, description="Images by id", examples=["digits"])],
) -> CheckedImages:
    """The layout of a set of images and what is wrong with it."""
    try:
        return _checked(service, service.images.named(id))
    except UnknownNameError as error:
        raise ApiError(404, str(error), nearest=list(error.nearest)) from None


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": CheckedImages, "description": "They were here already"},
        **documented(413, 415),
    },
)
def upload_images(
    service: Service,
    response: Response,
    file: Annotated[UploadFile, File(description="A zip archive of class folders, or an npz file")],
    title: Annotated[str | None, Form(max_length=100)] = None,
) -> CheckedImages:
    """Takes in images: a zip archive of one folder for each class, or an npz file with x_train and y_train."""
    handle, name = tempfile.mkstemp(dir=_incoming(service))
    path = FilePath(name)
    try:
        with os.fdopen(handle, "wb") as target:
            while piece := file.file.read(_PIECE):
                target.write(piece)
        try:
            found, new = service.images.add(path, title or file.filename)
        except NoImages as error:
            raise ApiError(415, str(error)) from None
        except Full as error:
            raise ApiError(413, str(error)) from None
    finally:
        path.unlink(missing_ok=True)
    if not new:
        response.status_code = 200
    return _checked(service, found)


def _incoming(service: Context) -> FilePath:
    folder = service.settings.folder / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _checked(service: Context, found: ImageSource) -> CheckedImages:
    return CheckedImages(**_told(found), summary=service.images.look(found.name))


def _told(one: ImageSource) -> dict[str, Any]:
    return {"id": one.name, "title": one.title or one.name, "origin": one.origin}
