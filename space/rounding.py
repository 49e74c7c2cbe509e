"""Rounding policies: how a scaled network's repeats, channels and pixels become whole numbers.

Papers state the multipliers but not the rounding, although it changes the costs by up to a quarter. Here a
rounding policy is a value with a name, so every output can say which one was used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, gcd
from typing import Any

from space.errors import InputError

_REPEATS = ("ceil", "round", "floor")
_STEM = ("scaled", "fixed")
_HEAD = ("scaled", "fixed", "at least base")
_ENDS = ("scaled", "fixed")

# Products such as 1.1 · 10 = 11.000000000000002 must not be rounded up to the next whole number.
_SLACK = 1e-9


def round_channels(channels: float, divisor: int = 8, floor: float = 0.9) -> int:
    """``channels`` to the nearest multiple of ``divisor``, never below ``floor`` of what was asked.

    The rule of the released MobileNet and EfficientNet code (``round_filters``/``make_divisible``).
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < floor * channels else rounded


@dataclass(frozen=True, slots=True)
class Rounding:
    """How multipliers become whole numbers.

    ``channel_multiple`` and ``channel_floor``: channels to the nearest multiple, one more where that is
    below the floor's share of what was asked. ``repeats``: "ceil", "round" or "floor", never below 1.
    ``resolution_multiple``: pixels to the nearest multiple. ``stem`` and ``head``: whether their channels
    are "scaled" or "fixed" ("at least base": a head that grows and never shrinks). ``ends``: whether the
    repeats of the first and the last stage are "scaled" or "fixed".

    A factor of exactly 1 leaves a number as it is, and no factor above 1 makes it smaller (nor one below 1
    larger), also where the base network is off the grid.
    """

    name: str = "released"
    channel_multiple: int = 8
    channel_floor: float = 0.9
    repeats: str = "ceil"
    resolution_multiple: int = 1
    stem: str = "scaled"
    head: str = "scaled"
    ends: str = "scaled"

    def __post_init__(self) -> None:
        for argument in ("channel_multiple", "resolution_multiple"):
            value = getattr(self, argument)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError.of(f"Rounding.{argument}", "a positive whole number", value)
        if not 0 <= self.channel_floor <= 1:
            raise InputError.of("Rounding.channel_floor", "a share in [0, 1]", self.channel_floor)
        for argument, known in (("repeats", _REPEATS), ("stem", _STEM), ("head", _HEAD), ("ends", _ENDS)):
            if getattr(self, argument) not in known:
                raise InputError.of(
                    f"Rounding.{argument}", f"one of {', '.join(known)}", getattr(self, argument)
                )

    def channels(self, base: int, factor: float, groups: int = 1) -> int:
        """``base`` channels times ``factor``, rounded; divisible by ``groups`` where ``base`` is."""
        if factor == 1:
            return base
        multiple = self.channel_multiple * groups // gcd(self.channel_multiple, groups)
        rounded = round_channels(base * factor, multiple, self.channel_floor)
        return max(rounded, base) if factor > 1 else min(rounded, base)

    def widening(self, base: int, factor: float, groups: int = 1) -> float:
        """The smallest factor (to a part in 10^9) at which ``channels`` gives more than at ``factor``."""
        multiple = self.channel_multiple * groups // gcd(self.channel_multiple, groups)
        here = self.channels(base, factor, groups)
        step = (here // multiple + 1) * multiple - multiple / 2
        edges = [step / base, here / base, here / base + multiple / base]
        if self.channel_floor > 0:
            edges.append(here / (self.channel_floor * base))
        beyond = [1.0, *(edge * (1 + _SLACK) for edge in edges)]  # a base off the grid is met at 1 only
        return min(edge for edge in beyond if edge > factor and self.channels(base, edge, groups) > here)

    def repeated(self, base: int, factor: float) -> int:
        """``base`` repeats times ``factor``, rounded, at least 1."""
        if factor == 1:
            return base
        product = base * factor
        if self.repeats == "ceil":
            return max(1, ceil(product - _SLACK))
        return max(1, round(product) if self.repeats == "round" else floor(product + _SLACK))

    def pixels(self, base: int, factor: float) -> int:
        """``base`` pixels times ``factor``, to the nearest multiple, at least one multiple."""
        if factor == 1:
            return base
        multiple = self.resolution_multiple
        rounded = max(multiple, floor(base * factor / multiple + 0.5) * multiple)
        return max(rounded, base) if factor > 1 else min(rounded, base)

    def changed(self, **settings: Any) -> Rounding:
        """This policy with other settings; its name says which. Settings of None are left as they are."""
        different = {k: v for k, v in settings.items() if v is not None and v != getattr(self, k)}
        if not different:
            return self
        extra = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in different.items())
        return replace(self, name=f"{self.name} with {extra}", **different)

    def __str__(self) -> str:
        channels = "to whole numbers"
        if self.channel_multiple > 1:
            channels = f"to a multiple of {self.channel_multiple}"
        if self.channel_floor > 0:
            channels += f", never below {self.channel_floor:.0%}"
        repeats = {"ceil": "up", "round": "to the nearest", "floor": "down"}[self.repeats]
        ends = "" if self.ends == "scaled" else " (fixed in the first and the last stage)"
        pixels = "whole pixels"
        if self.resolution_multiple > 1:
            pixels = f"a multiple of {self.resolution_multiple} px"
        return (
            f"{self.name} (channels {channels}; repeats {repeats}{ends}; resolution to {pixels}; "
            f"stem {self.stem}, head {self.head})"
        )


RELEASED = Rounding()
"""The released EfficientNet code: ``round_filters`` and ``round_repeats``, stem and head scaled too."""

LITE = Rounding("lite", stem="fixed", head="fixed", ends="fixed")
"""EfficientNet-Lite: stem, head and the end stages' repeats stay as they are (``fix_head_stem``)."""

TINYNET = Rounding("tinynet", repeats="round", stem="fixed", head="at least base")
"""TinyNet (Han et al. 2020, "Model Rubik's Cube"), as its public code rounds when it scales down."""

EXACT = Rounding("exact", channel_multiple=1, channel_floor=0.0, repeats="round")
"""As close to the unrounded multipliers as whole numbers allow."""

POLICIES: dict[str, Rounding] = {policy.name: policy for policy in (RELEASED, LITE, TINYNET, EXACT)}
