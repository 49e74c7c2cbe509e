"""Declared figures: each field that holds a figure of a network or a trial says its unit, direction and meaning.

The columns of a frame, the titles of a picture, the objectives and the documentation are made from these
declarations, so a figure is described once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure: its pandas dtype, its unit, in which direction it is a merit, what it means, and its title.

    ``better`` is ``"minimize"`` or ``"maximize"``, None where it is neither. ``title`` stands on axes.
    """

    name: str
    dtype: str
    unit: str | None
    better: str | None
    meaning: str
    title: str


def measure(
    dtype: str,
    unit: str | None,
    better: str | None,
    meaning: str,
    *,
    title: str | None = None,
    **options: Any,
) -> Any:
    """A dataclass field that holds a figure; ``options`` are those of ``dataclasses.field`` (``default`` …)."""
    metadata = {"dtype": dtype, "unit": unit, "better": better, "meaning": meaning, "title": title}
    return field(metadata=metadata, **options)


def measures(kind: type) -> tuple[Measure, ...]:
    """The declared figures of a dataclass, in order; fields made without ``measure`` are left out."""
    return tuple(
        Measure(
            f.name,
            f.metadata["dtype"],
            f.metadata["unit"],
            f.metadata["better"],
            f.metadata["meaning"],
            f.metadata["title"] or f.name.replace("_", " ").capitalize(),
        )
        for f in fields(kind)
        if "meaning" in f.metadata
    )
