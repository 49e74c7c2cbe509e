"""Which block of a larger network grew from which of a smaller one, and which were put in between.

Blocks belong together where they are of one kind and made of the same operations, channels and groups aside. In each
part (stem, each stage, head) those of the smaller network are found again in the larger one in order; the others are
new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf, log
from typing import Any

from space.architecture import Architecture
from space.blocks import RESIDUAL, Block
from space.errors import InputError
from space.graph import Node
from space.operations import Operation
from space.segment import Segment

# What may differ: channels, and what only training knows.
_FREE = frozenset(
    {
        *("in_channels", "out_channels", "channels", "in_features", "out_features", "groups"),
        *("rate", "initial", "momentum"),
        "ceil_mode",  # of blocks that round odd sizes up
    }
)
_SHORTCUT = "shortcut"
_SHRUNK = 1e6
"""A pair that cannot be: it is chosen, and then refused by name, only where there is no other."""


@dataclass(frozen=True, slots=True)
class Place:
    """A block at its place: its path and its lowered segment."""

    path: str
    block: Block
    segment: Segment

    @property
    def silent(self) -> bool:
        """Whether it computes nothing at inference."""
        nodes, run = self.segment.graph.nodes, self.segment.graph.at_inference()
        return all(nodes[i].op.identity_at_inference for i in run if i)


@dataclass(frozen=True, slots=True)
class Match:
    """A block of the larger network and the one that it grew from; None for a new one."""

    larger: Place
    smaller: Place | None


def kind(operation: Operation) -> tuple[Any, ...]:
    """What two operations have in common where one can repeat the other."""
    settings = [(f.name, getattr(operation, f.name)) for f in fields(operation) if f.name not in _FREE]  # type: ignore[arg-type]
    return (type(operation).__name__, *settings)


def may_lack(path: str) -> bool:
    """Whether an operation at ``path`` may be there in one of two blocks alone: shortcuts, which depend on the channels."""
    words = path.split(".")
    return _SHORTCUT in words or words[-1] == RESIDUAL


def matches(smaller: Architecture, larger: Architecture, argument: str) -> tuple[Match, ...]:
    """The blocks of ``larger`` in order of execution, each with its twin.

    Raises InputError (``argument``) where the larger network lacks a layer, takes other images or tells other classes.
    """
    for what in ("in_channels", "classes"):
        mine, other = getattr(smaller, what), getattr(larger, what)
        if mine != other:
            raise InputError.of(argument, f"a network of {mine} {what.replace('in_', '')} as RUN's", other)
    if larger.resolution < smaller.resolution:
        raise InputError.of(argument, f"at least the {smaller.resolution} pixels of RUN", larger.resolution)
    if len(larger.stages) != len(smaller.stages):
        raise InputError.of(argument, f"as many stages as RUN has, {len(smaller.stages)}", len(larger.stages))
    found: list[Match] = []
    for name, few, many in zip(_names(larger), _parts(smaller), _parts(larger), strict=True):
        found += _part(name, few, many, argument)
    return tuple(found)


def _names(architecture: Architecture) -> list[str]:
    return ["stem", *(f"stages.{i}" for i in range(len(architecture.stages))), "head"]


def _parts(architecture: Architecture) -> list[list[Place]]:
    places = iter([Place(*one) for one in architecture.segments()])
    counts = (
        len(architecture.stem),
        *(len(stage.blocks) for stage in architecture.stages),
        len(architecture.head),
    )
    return [[next(places) for _ in range(count)] for count in counts]


def _part(name: str, few: Sequence[Place], many: Sequence[Place], argument: str) -> list[Match]:
    wanted = [place for place in few if not place.silent]
    there = [place for place in many if not place.silent]
    chosen = _aligned(wanted, there)
    if chosen is None:
        wish = f"all layers that {name} has in RUN, in order ({_listed(wanted)})"
        raise InputError(
            f"{argument}: wanted {wish}, got {_listed(there)}, some of them missing or of another kind"
        )
    twins = dict(zip(chosen, wanted, strict=True))
    order = {id(place): i for i, place in enumerate(there)}
    return [Match(place, twins.get(order.get(id(place), -1))) for place in many]


def _aligned(few: Sequence[Place], many: Sequence[Place]) -> list[int] | None:
    """For each of ``few`` the position of its twin in ``many``; None where there is not one for each, in order.

    Of all ways the one in which the channels of all blocks have grown most alike, and the earliest of these.
    """
    if not few:
        return []
    if len(few) > len(many):
        return None
    common = log(many[-1].segment.shape[0] / few[-1].segment.shape[0])
    known: dict[tuple[Segment, Segment], float] = {}
    least = [[0.0] * (len(many) + 1), *([inf] * (len(many) + 1) for _ in few)]
    for i, place in enumerate(few):
        for j in range(i, len(many) - len(few) + i + 1):
            pair = (place.segment, many[j].segment)
            if pair not in known:
                known[pair] = _unlike(place, many[j], common)
            least[i + 1][j + 1] = min(least[i + 1][j], least[i][j] + known[pair])
    if least[-1][-1] == inf:
        return None
    chosen, j = [], len(many)
    for i in range(len(few), 0, -1):
        while least[i][j - 1] == least[i][j]:
            j -= 1
        j -= 1
        chosen.append(j)
    return chosen[::-1]


def _listed(places: Sequence[Place]) -> str:
    return f"{len(places)} block{'s' if len(places) != 1 else ''}"


def _unlike(smaller: Place, larger: Place, common: float) -> float:
    """How far the channels of two blocks have grown otherwise than by exp(``common``); infinite for blocks of two kinds."""
    if type(smaller.block) is not type(larger.block):
        return inf
    mine, other = _nodes(smaller.segment), _nodes(larger.segment)
    if not all(may_lack(path) for path in mine.keys() ^ other.keys()):
        return inf
    total = 0.0
    for path in mine.keys() & other.keys():
        few, many = mine[path], other[path]
        if kind(few.op) != kind(many.op):
            return inf
        grown = log(many.shape[0] / few.shape[0])
        total += abs(grown - common) if grown >= 0 else _SHRUNK
    return total


def _nodes(segment: Segment) -> dict[str, Node]:
    """The operations of a block that compute something at inference, by path."""
    nodes = [segment.graph.nodes[i] for i in segment.graph.at_inference() if i]
    return {node.path: node for node in nodes if not node.op.identity_at_inference}
