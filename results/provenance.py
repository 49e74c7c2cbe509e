"""Where a study came from: the facts that its search stored, in the order in which a person asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = ("created", "nascale", "git_commit", "device", "data_checksum", "learned_from", "command")


def facts(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, value) of a stored provenance."""
    rows = [(key.replace("_", " "), str(provenance[key])) for key in _SHOWN if provenance.get(key)]
    data = provenance.get("data")
    if isinstance(data, Mapping) and data.get("line"):
        rows.append(("data", str(data["line"])))
    packages = provenance.get("packages") or {}
    if packages:
        rows.append(("packages", ", ".join(f"{name} {version}" for name, version in packages.items())))
    return rows
