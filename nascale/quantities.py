"""Numbers as people write them (400M, 1.5G, 64MB, 8ms) and as people read them."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from space.errors import InputError

_DECIMAL = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12}
_BYTES = {
    "": 1.0,
    "B": 1.0,
    "K": 1e3,
    "KB": 1e3,
    "M": 1e6,
    "MB": 1e6,
    "G": 1e9,
    "GB": 1e9,
    "KIB": 2.0**10,
    "MIB": 2.0**20,
    "GIB": 2.0**30,
}
_SECONDS = {"": 1.0, "S": 1.0, "MS": 1e-3, "US": 1e-6, "M": 60.0, "MIN": 60.0, "H": 3600.0}
_KINDS = {
    "count": (_DECIMAL, "a positive number such as 400M, 1.5G or 250000 (K, M, G are decimal)"),
    "bytes": (_BYTES, "a positive size such as 64MB, 1.5GB or 512KiB"),
    "seconds": (_SECONDS, "a positive time such as 8ms, 0.5s, 90 or 15min"),
    "span": (_SECONDS, "a time such as 8ms, 0.5s, 90 or 15min, or 0"),
}
# Each digit fits one place only, so that a long text is read in one pass.
_NUMBER = re.compile(r"\s*((?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]*)\s*")
_LONGEST = 100
_LONGEST_LIST = 1000
_MOST_SECONDS = 1e9
"""Thirty years: clocks and waits hold no more."""


def parse_quantity(text: str | float, kind: str = "count", argument: str = "value") -> float:
    """``text`` as a number of units: counts, bytes, seconds or a span of them, which may be 0. Raises InputError naming ``argument``."""
    scales, wanted = _KINDS[kind]
    if isinstance(text, bool):
        raise InputError.of(argument, wanted, text)
    if isinstance(text, (int, float)):
        value = float(text) if abs(text) < 1e300 else math.inf
    else:
        match = _NUMBER.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
        if match is None or match[2].upper() not in scales:
            raise InputError.of(argument, wanted, text)
        value = float(match[1]) * scales[match[2].upper()]
    if not math.isfinite(value) or value < 0 or (value == 0 and kind != "span"):
        raise InputError.of(argument, wanted, text)
    if scales is _SECONDS and value > _MOST_SECONDS:
        raise InputError.of(argument, f"at most {_MOST_SECONDS:.0f} seconds", text)
    return value


class Quantity(click.ParamType[float]):
    """A click type for the numbers above; ``kind`` is ``count``, ``bytes``, ``seconds`` or ``span``.

    Counts and bytes come back as whole numbers, the others as floats.
    """

    def __init__(self, kind: str = "count") -> None:
        self.kind = kind
        self.name = "seconds" if kind == "span" else kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        argument = param.opts[0] if param is not None and param.opts else self.name
        number = parse_quantity(value, self.kind, argument)
        return number if self.kind in ("seconds", "span") else round(number)


def parse_list(text: str, kind: str = "count", argument: str = "value") -> list[float]:
    """A comma-separated list of quantities: ``0.4G,0.8G``."""
    parts = [part for part in text.split(",") if part.strip()]
    if not 0 < len(parts) <= _LONGEST_LIST:
        raise InputError.of(argument, f"a comma-separated list, each {_KINDS[kind][1]}", text)
    return [parse_quantity(part, kind, argument) for part in parts]


def kind_of_cost(cost: str) -> str:
    """The kind of quantity in which a cost such as ``macs``, ``activation_bytes`` or ``latency_seconds`` is given."""
    unit = cost.rpartition("_")[2]
    return unit if unit in ("bytes", "seconds") else "count"


def human_cost(cost: str, value: float) -> str:
    """A cost with its unit: ``human_cost("activation_bytes", 4e6)`` → ``4.000 MB``."""
    write = {"bytes": human_bytes, "seconds": human_seconds, "count": human_count}
    return write[kind_of_cost(cost)](value)


def human_count(value: float) -> str:
    """385814752 → ``385.8M``: four figures, decimal suffixes."""
    return _scaled(value, ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K")))


def human_bytes(value: float) -> str:
    """6422528 → ``6.423 MB``: four figures, decimal units, as the budgets are given."""
    return _scaled(value, ((1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB")), " B")


def human_seconds(value: float) -> str:
    """0.00123 → ``1.23 ms``; 75 → ``1 min 15 s``."""
    if value < 1e-3:
        return f"{value * 1e6:.3g} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    if value < 60:
        return f"{value:.3g} s"
    minutes, seconds = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _scaled(value: float, scales: tuple[tuple[float, str], ...], unit: str = "") -> str:
    for scale, suffix in scales:
        if abs(value) >= scale:
            figure = value / scale
            digits = 3 if figure < 10 else 2 if figure < 100 else 1
            return f"{figure:.{digits}f}{suffix}"
    return f"{value:g}{unit}"
