"""The user attributes that are ours: what a search stores beside Optuna's own tables, under a prefix.

Other programs put attributes of their own into a study, some of them named ``result`` or ``space``. Ours begin with
``nascale:``; whatever else is there is left alone. Version 0.1 stored the same values without the prefix: its
studies are known by the shape of what they hold, and read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "nascale:"
FORMAT = 2
"""Of the attributes of a study; version 0.1 wrote none, which counts as 1."""
ARCHITECTURE, RESULT, REPEAT_OF, STOCK = "architecture", "result", "repeat_of", "stock"


def named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Our attributes under the names by which they are stored."""
    return {PREFIX + name: value for name, value in attributes.items()}


def stored_names(name: str) -> tuple[str, str]:
    """The names under which attribute ``name`` may be stored: today's, and that of version 0.1."""
    return PREFIX + name, name


def of_study(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Our attributes of a study (``spec``, ``provenance``, ``space``, ``objectives`` …); empty for another tool's."""
    found = _prefixed(raw)
    spec = raw.get("spec")
    if isinstance(spec, Mapping) and "sampler" in spec:
        first = {name: raw[name] for name in ("spec", "provenance", "space", "objectives") if name in raw}
        found = first | found
    kinds = {"spec": Mapping, "provenance": Mapping, "space": Mapping, "objectives": list}
    return {name: value for name, value in found.items() if isinstance(value, kinds.get(name, object))}


def of_trial(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Our attributes of a trial (``key``, ``costs``, ``repeat_of``, ``stock``, ``architecture``, ``result``); empty for another tool's."""
    if PREFIX + "key" in raw:
        return _prefixed(raw)
    # Version 0.1 gave every trial a key and costs.
    return raw if isinstance(raw.get("key"), str) and isinstance(raw.get("costs"), Mapping) else {}


def _prefixed(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(PREFIX): value for name, value in raw.items() if name.startswith(PREFIX)}
