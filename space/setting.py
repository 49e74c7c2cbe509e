"""Declared settings: each field of a settings value says what it may hold and how a person gives it.

A recipe, a pool or a search is a frozen dataclass whose fields are made with ``setting``. The command line, the
spec file and the documentation are made from these declarations, so a setting is written down once. A dataclass
may hold others as groups (``group``): their settings count as its own.
"""

from __future__ import annotations

from dataclasses import Field, field, fields, is_dataclass
from typing import Any

KINDS = ("text", "int", "float", "flag", "count", "bytes", "seconds", "span", "value")
"""What a setting may hold: ``count``, ``bytes`` and ``seconds`` are quantities that take suffixes (``5M``, ``64MB``,
``8ms``), and so does a ``span``, which is seconds or 0; a ``value`` is written as text, which the dataclass itself reads."""


def setting(
    default: Any, kind: str, help: str, *, may_change: bool = False, bounds: str | None = None
) -> Any:
    """A dataclass field with its default, the kind of its values (one of ``KINDS``) and its line of help.

    ``may_change`` says that a stored study may go on with another value: the setting says how far or where to
    search, not what is measured. ``bounds`` is the cost that a budget bounds.
    """
    assert kind in KINDS, kind
    metadata = {"kind": kind, "help": help, "may_change": may_change, "bounds": bounds}
    return field(default=default, metadata=metadata)


def group(kind: type) -> Any:
    """A dataclass field that holds another dataclass of settings, by default one with all of its defaults."""
    return field(default_factory=kind, metadata={"group": kind})


def groups(kind: type) -> dict[str, type]:
    """The groups of a dataclass: name of the field → its dataclass."""
    return {item.name: item.metadata["group"] for item in fields(kind) if "group" in item.metadata}


def declared(kind: type) -> dict[str, Field[Any]]:
    """The settings of a dataclass by name: its own in order, then inherited ones, then those of its groups."""
    inherited = {item.name for base in kind.__mro__[1:] if is_dataclass(base) for item in fields(base)}
    ordered = sorted(fields(kind), key=lambda item: item.name in inherited)
    found = {item.name: item for item in ordered if "kind" in item.metadata}
    for part in groups(kind).values():
        for name, item in declared(part).items():
            assert name not in found, f"{kind.__name__}: two settings are called {name}"
            found[name] = item
    return found


def changeable(kind: type) -> frozenset[str]:
    """The settings of a dataclass with which a stored study may go on at another value."""
    return frozenset(name for name, item in declared(kind).items() if item.metadata["may_change"])
