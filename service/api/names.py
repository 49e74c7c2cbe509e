"""Names in paths, as ``access`` hands them on, and numbers that say how much of a list is wanted."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Path, Query
from pydantic import AfterValidator

PAGE = 200
"""Items of a page at most."""

StudyName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=512,
        description="The name of a study, percent-encoded",
        examples=["mixed-digits-controller"],
    ),
    AfterValidator(unquote),
]
TrialNumber = Annotated[int, Path(ge=0, lt=2**63, description="The number of a trial", examples=[0])]
Limit = Annotated[int, Query(ge=1, le=PAGE, description="Items at most")]
Offset = Annotated[
    int | None, Query(ge=0, lt=2**53, description="The `next` of the page before", examples=[200])
]


def escaped(name: str) -> str:
    """``name`` as a segment of a path."""
    return quote(name, safe="")
