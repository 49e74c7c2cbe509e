"""What the layers of a new block are told, so that the block passes on what comes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Terms = tuple[tuple[int, float], ...]
"""(channel, factor) of a weighted sum."""


@dataclass(frozen=True, slots=True)
class PassOn:
    """The outputs of a convolution in ``rows`` are these sums of its inputs, through the middle of its kernel.

    The others are free, as in a new network.
    """

    rows: Mapping[int, Terms]


@dataclass(frozen=True, slots=True)
class Neutral:
    """A normalisation, or a factor for each channel, changes nothing."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A layer gives zeros."""


@dataclass(frozen=True, slots=True)
class HalfGate:
    """The convolution in front of a gate gives zeros, so that the gate stands at a half."""


Order = PassOn | Neutral | Silent | HalfGate
Orders = dict[int, Order]
"""By node; the layers that are not among them start as in a new network."""
