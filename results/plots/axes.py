"""How a column is spoken of in a picture: its label with the unit, and its numbers in that unit.

One place for the still pictures and for the page, so that both say "MACs (M)" and "90.9 %".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from results.columns import BY_NAME, DECISION, OBJECTIVE

_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "count": ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K"), (1.0, "")),
    "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
    "seconds": ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
}
# A span of more than this factor is drawn on a logarithmic axis.
_LOGARITHMIC = 12.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A column's axis: divide a value by ``scale`` to have it in ``unit``."""

    column: str
    title: str
    unit: str
    scale: float
    logarithmic: bool

    @property
    def label(self) -> str:
        """The title with the unit: ``MACs (M)``."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def text(self, value: float) -> str:
        """One value for the eye, unit included: ``6.31 M``, ``90.9 %``."""
        number = value / self.scale
        shown = f"{number:.1f}" if self.unit == "%" else f"{number:.3g}"
        return f"{shown} {self.unit}".rstrip()


def axis(column: str, values: Iterable[float]) -> Axis:
    """The axis that suits the finite ones of ``values``: its unit by their largest, a logarithm where they span widely."""
    finite = [float(v) for v in values if v == v and math.isfinite(v)]
    kind = _kind(column)
    scale, unit = (0.01, "%") if kind == "fraction" else _unit(kind, finite)
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    wide = kind in _SCALES and low > 0 and high / low > _LOGARITHMIC
    return Axis(column, title(column), unit, scale, wide)


def title(column: str) -> str:
    """The column's name in words, without a unit."""
    bare = column.removeprefix(OBJECTIVE).removeprefix(DECISION)
    known = BY_NAME.get(bare)
    if known is not None:
        return known.title
    return bare.replace("_", " ").capitalize() if column == bare else bare


_KINDS = {"fraction": "fraction", "bytes": "bytes", "seconds": "seconds"}


def _kind(column: str) -> str:
    """How the numbers of a column are written, by its declared unit."""
    bare = column.removeprefix(OBJECTIVE)
    known = BY_NAME.get(bare)
    if known is None or known.better is None:
        return "bytes" if bare.endswith("_bytes") else "seconds" if bare.endswith("_seconds") else "plain"
    counted = known.dtype == "Int64"
    return _KINDS.get(known.unit or "", "count" if counted else "plain")


def _unit(kind: str, values: Sequence[float]) -> tuple[float, str]:
    largest = max((abs(v) for v in values), default=0.0)
    for scale, unit in _SCALES.get(kind, ()):
        if largest >= scale:
            return scale, unit
    return 1.0, ""


def limits(values: Iterable[float], logarithmic: bool) -> tuple[float, float]:
    """The ends of an axis that shows ``values`` with some air around them."""
    finite = [float(v) for v in values]
    low, high = min(finite), max(finite)
    if logarithmic:
        air = (high / low) ** 0.05
        return low / air, high * air
    air = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    return low - air, high + air


def ticks(low: float, high: float, logarithmic: bool, wanted: int = 6, *, whole: bool = False) -> list[float]:
    """Round numbers between ``low`` and ``high``: 1, 2, 5 × powers of ten; only ``whole`` ones where asked."""
    if logarithmic:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            marks = [m * 10.0**p for p in powers for m in steps if low <= m * 10.0**p <= high]
            if len(marks) <= wanted + 1:
                break
        if len(marks) > 1:
            return marks
    span = high - low
    if span <= 0:
        return [low]
    rough = span / max(1, wanted)
    power = 10.0 ** math.floor(math.log10(rough))
    steps_of_ten = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(s * power for s in steps_of_ten if s * power >= rough * 0.999)
    step = max(1.0, step) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [round(step * i, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def count(value: float) -> str:
    """A count in at most four figures with a decimal suffix: ``6.31M``, ``464``."""
    for scale, suffix in _SCALES["count"]:
        if abs(value) >= scale:
            number = value / scale
            return f"{number:.3g}{suffix}" if scale > 1 else f"{number:g}"
    return f"{value:g}"


def lowered(title: str) -> str:
    """A title inside a sentence: ``validation accuracy``, but ``MACs``."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]
