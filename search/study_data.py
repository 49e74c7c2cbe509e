"""A study goes on with the data it was made with, and with no other: accuracies on other data are not comparable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from space.errors import InputError

_FACTS = ("images", "shape", "classes", "split")
_NAMED = 5


def check_data(study: str, stored: object, current: object, *, instead: str = "or another --study") -> None:
    """Raises InputError, with both checksums and what differs, where a study was made with other data.

    ``stored`` and ``current`` are the provenance of the study and of the search that would go on with it. What an
    older version did not keep is not compared. ``instead`` says what can be done beside giving the same data.
    """
    if not isinstance(stored, Mapping) or not isinstance(current, Mapping):
        return
    before, now = stored.get("data_checksum"), current.get("data_checksum")
    if before is None or now is None:
        return
    differing = [*_differences(_described(stored), _described(current)), *_class_names(stored, current)]
    if before == now and not differing:
        return
    told = "; ".join(differing) or "as many images, but other pixels or labels"
    raise InputError(
        f"study {study!r} was made with other data (checksum {before}, now {now}: {told}): wanted the same data, "
        f"{instead}"
    )


def _described(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the evaluator of a provenance said of its images; empty for a table."""
    evaluator = provenance.get("evaluator")
    data = evaluator.get("data") if isinstance(evaluator, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What the two descriptions say differently, as ``classes 4 → 9``."""
    found = []
    for fact in _FACTS:
        if fact not in before or fact not in now or before[fact] == now[fact]:
            continue
        if isinstance(before[fact], Mapping) and isinstance(now[fact], Mapping):
            inner = {key: before[fact][key] for key in before[fact].keys() & now[fact].keys()}
            found += [
                f"{fact} {key} {inner[key]} → {now[fact][key]}"
                for key in sorted(inner)
                if inner[key] != now[fact][key]
            ]
        else:
            found.append(f"{fact} {_text(before[fact])} → {_text(now[fact])}")
    return [one for one in found if not one.startswith("split checksum")] or found


def _text(value: object) -> str:
    return "×".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _class_names(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """The names of classes that one has and the other has not."""
    before, now = (_names(provenance) for provenance in (stored, current))
    if before is None or now is None or before == now:
        return []
    gone, new = ([name for name in a if name not in b] for a, b in ((before, now), (now, before)))
    told = [
        f"{word} {', '.join(names[:_NAMED])}" for word, names in (("without", gone), ("with", new)) if names
    ]
    return [f"class names: {' and '.join(told)}" if told else "class names in another order"]


def _names(provenance: Mapping[str, Any]) -> list[str] | None:
    data = provenance.get("data")
    names = data.get("classes") if isinstance(data, Mapping) else None
    return [str(name) for name in names] if isinstance(names, (list, tuple)) else None
