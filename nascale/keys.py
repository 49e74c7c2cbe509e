"""The keys of a spec: one flat mapping, as a TOML file, a command line or a stored study has it, and its settings.

The settings of a search are grouped in dataclasses (recipe, workers, budgets …). For a person they are one flat
list of keys; the functions here lead from one to the other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from nascale.quantities import parse_quantity
from space.errors import InputError, UnknownNameError
from space.limits import LARGEST_NUMBER, LARGEST_SEED
from space.setting import declared, groups

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "flag": ((bool,), "true or false"),
    "text": ((str, os.PathLike), "text"),
}


def check_known(kind: type, keys: Mapping[str, Any], what: str = "key") -> None:
    """Raises UnknownNameError, with the nearest there is, for a key that is no setting of ``kind``."""
    known = declared(kind)
    for name in keys:
        if name not in known:
            raise UnknownNameError(what, name, known)


def read(kind: type[S], keys: Mapping[str, Any]) -> S:
    """The dataclass ``kind`` with its groups, made from a flat mapping; what is not given has its default.

    Raises UnknownNameError for a key that is none of its settings, InputError for a value of the wrong kind.
    """
    check_known(kind, keys)
    parts = groups(kind)
    given: dict[str, Any] = {
        name: read(part, {key: keys[key] for key in declared(part) if key in keys})
        for name, part in parts.items()
    }
    for item in fields(kind):
        if "kind" in item.metadata and item.name in keys:
            given[item.name] = converted(item, keys[item.name])
    return kind(**given)


def flat(value: Any) -> dict[str, Any]:
    """The flat mapping of a dataclass with groups: every setting with its value, as it is."""
    found = {item.name: getattr(value, item.name) for item in fields(value) if "kind" in item.metadata}
    for name in groups(type(value)):
        found |= flat(getattr(value, name))
    return found


def _bounded(name: str, kind: str, value: float) -> float:
    """The number, if it is finite and no larger than anything could use. Raises InputError naming the setting."""
    if kind == "int":
        most = LARGEST_SEED if name.endswith("seed") else LARGEST_NUMBER
        if abs(value) > most:
            raise InputError.of(name, f"a whole number up to {most}", value)
        return value
    if not abs(value) < 1e300:
        raise InputError.of(name, "a finite number", value)
    return float(value)


def converted(item: Field[Any], value: Any) -> Any:
    """``value`` as the setting's kind: quantities become numbers. Raises InputError naming the setting."""
    kind = item.metadata["kind"]
    if value is None:
        if item.default is None:
            return None
        raise InputError.of(item.name, f"a value ({kind})", None)
    if kind in ("count", "bytes", "seconds", "span"):
        number = parse_quantity(value, kind, item.name)
        return number if kind in ("seconds", "span") else round(number)
    if kind == "value":
        return value
    types, words = _TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "flag"):
        raise InputError.of(item.name, words, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _bounded(item.name, kind, value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value
