"""Architectures as requests name them: a name of the zoo, a trial of a study, a cell, or the JSON of one. Never a file."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, JsonValue

from nascale.architectures import resolve
from space.architecture import Architecture
from space.errors import InputError

_LONGEST = 200_000

Arch = Annotated[
    str | dict[str, JsonValue],
    Field(
        description="A name of the zoo (`mobilenet_v2@width=1.4`), `STUDY:NUMBER`, a cell of NAS-Bench-201, or an architecture as JSON",
        examples=["efficientnet_b0"],
    ),
]


def architecture_of(arch: str | dict[str, Any], storage: str, argument: str = "architecture") -> Architecture:
    """The architecture. Raises InputError for what names none, paths of files among it."""
    return resolve(named_architecture(arch, argument), storage)


def named_architecture(arch: str | dict[str, Any], argument: str = "architecture") -> str:
    """The architecture as the command line has it. Raises InputError for what could be the path of a file."""
    text = arch if isinstance(arch, str) else json.dumps(arch)
    if len(text) > _LONGEST:
        raise InputError(f"{argument}: wanted at most {_LONGEST:,} letters, got {len(text):,}")
    if not text.isprintable() or not text:
        raise InputError.of(argument, "a name of the zoo, STUDY:NUMBER or an architecture as JSON", text)
    if text.lower().endswith(".json"):
        raise InputError.of(argument, "a name or the architecture itself as JSON, no file", text)
    return text
