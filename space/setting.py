"""Declared settings: each field of a settings value says what it may hold and how a person gives it.

A recipe, a pool or a search is a frozen dataclass whose fields are made with ``setting``. The command line, the
spec file and the documentation are made from these declarations, so a setting is written down once.
"""

from __future__ import annotations

from dataclasses import Field, field
from typing import Any

KINDS = ("text", "int", "float", "flag", "count", "bytes", "seconds")
"""What a setting may hold: ``count``, ``bytes`` and ``seconds`` are quantities that take suffixes (``5M``, ``64MB``, ``8ms``)."""


def setting(default: Any, kind: str, help: str, *, may_change: bool = False) -> Any:
    """A dataclass field with its default, the kind of its values (one of ``KINDS``) and its line of help.

    ``may_change`` says that a stored study may go on with another value: the setting says how far or where to
    search, not what is measured.
    """
    assert kind in KINDS, kind
    return field(default=default, metadata={"kind": kind, "help": help, "may_change": may_change})


def may_change(declared: Field[Any]) -> bool:
    """Whether a stored study may go on with another value of this setting."""
    return bool(declared.metadata.get("may_change", False))
