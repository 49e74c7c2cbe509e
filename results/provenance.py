"""Where a study came from: the facts that its search stored, in the order in which a person asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Pictures may have been decoded smaller than they are.
_PICTURES = ("folder", "hf")
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


def own_side(attributes: Mapping[str, Any]) -> int | None:
    """The side in pixels that a study's images had before they were decoded: a network for more of them sees nothing new.

    ``attributes`` are the study's. None where it was measured without images, or an earlier version did not keep it.
    """
    provenance = _mapping(attributes.get("provenance"))
    kept = _mapping(provenance.get("data")).get("own_side")
    if isinstance(kept, int) and kept > 0:
        return kept
    source = str(_mapping(attributes.get("spec")).get("data", ""))
    shape = _mapping(_mapping(provenance.get("evaluator")).get("data")).get("shape")
    if source.partition(":")[0] in _PICTURES or not isinstance(shape, (list, tuple)) or len(shape) != 3:
        return None
    return int(min(shape[:2]))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
