"""Whether a network is one of a search space: the decisions that stand for it, found from the network alone.

A space says how decisions become a network, not the way back. That is sought by a beam search (Lowerre 1976): decision after
decision, in order, those assignments are kept whose network, with the first options of what is open yet, agrees with the
wanted one for the longest way from the stem on. What is found stands for the same function, by its key; a network of the space may be
missed, as most are of a space where every decision changes every block (``space.around_budget``, but for its known networks).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import chain
from typing import Any

from space.architecture import Architecture
from space.blocks import Block
from space.errors import ShapeError
from space.search_space import Decision, Decisions, Option, SearchSpace

_KEPT, _FEWER = 16, 4
"""Assignments that are gone on with of each number of blocks that agree, and by how many fewer than the best these may be. Where a stage
is left out, fewer agree for a while than where it is taken for the next one."""
_ALIKE = 6
"""Of them, that agree in the same blocks and then go wrong by the same one. They may differ in what is behind it, as in the depth of a
stage whose first block is not right yet."""
_IDLE = 2
"""Decisions in a row that may leave the first wrong block as it is, before it is taken for one that stays wrong."""
_UNEQUAL = 0.5
"""The least distance of two numbers that are not equal, of 1 for those with nothing in common."""


def decisions_of(space: SearchSpace, architecture: Architecture) -> Decisions | None:
    """Decisions of ``space`` that stand for the same function as ``architecture``; None where none were found."""
    if space.build is None:
        return None
    for decisions in space.known:
        network = _network(space, decisions)
        if network is not None and network.key == architecture.key:
            return dict(decisions)
    return _sought(space, architecture)


def _network(space: SearchSpace, decisions: Mapping[str, Option]) -> Architecture | None:
    try:
        return space.decode(decisions)
    except ShapeError:
        return None


@dataclass(frozen=True, slots=True)
class _Way:
    """Decisions, the ``blocks`` of their network, how many of these are ``agreeing``, and those up to the first that is wrong."""

    decisions: Decisions
    blocks: tuple[Block, ...]
    agreeing: float
    ends: tuple[Block, ...]
    idle: int = 0
    """Decisions in a row that did not change these."""


def _sought(space: SearchSpace, architecture: Architecture) -> Decisions | None:
    wanted = tuple(_blocks(architecture))
    kept = [_way(space, wanted, _filled(space, {}))]
    for decision in space.decisions:
        if len(decision.options) > 1:
            kept = _best([way for one in kept for way in _ways_on(space, wanted, one, decision)], wanted)
    for way in kept:
        network = _network(space, way.decisions) if way.agreeing == len(wanted) else None
        if network is not None and network.key == architecture.key:
            return way.decisions
    return None


def _ways_on(space: SearchSpace, wanted: Sequence[Block], way: _Way, decision: Decision) -> Iterator[_Way]:
    """The way with each option of a decision; it alone where the decision is not active."""
    others: list[_Way] = []
    if decision.name in way.decisions:
        choices = [option for option in decision.options if option != way.decisions[decision.name]]
        ahead = [_filled(space, {**way.decisions, decision.name: option}) for option in choices]
        others = [_way(space, wanted, decisions) for decisions in ahead]
        changed = any(other.ends != way.ends for other in others)
        way = replace(way, idle=0 if changed else way.idle + 1)
    yield way
    for other in others:
        yield other if other.ends != way.ends else replace(other, idle=way.idle)


def _best(ways: list[_Way], wanted: Sequence[Block]) -> list[_Way]:
    """Those that agree best, without those that cannot be right any more or are too much like others."""
    alike: Counter[tuple[Block, ...]] = Counter()
    level: Counter[int] = Counter()
    made: set[tuple[Block, ...]] = set()
    best = []
    most = max((way.agreeing for way in ways), default=0.0)
    for way in sorted(ways, key=lambda one: -one.agreeing):
        whole = int(way.agreeing)
        lost = way.agreeing < most - _FEWER or (way.idle > _IDLE and way.agreeing < len(wanted))
        if lost or way.blocks in made:  # roundings make the same network of other factors
            continue
        if alike[way.ends] < _ALIKE and level[whole] < _KEPT:
            alike[way.ends] += 1
            level[whole] += 1
            made.add(way.blocks)
            best.append(way)
    return best


def _filled(space: SearchSpace, partial: Mapping[str, Option]) -> Decisions:
    """``partial`` with the first options of what it lacks, and without what is not active."""
    chosen: Decisions = {}
    for decision in space.active(chosen):
        chosen[decision.name] = partial.get(decision.name, decision.options[0])
    return chosen


def _way(space: SearchSpace, wanted: Sequence[Block], decisions: Decisions) -> _Way:
    network = _network(space, decisions)
    if network is None:
        return _Way(decisions, (), -1.0, ())
    blocks = tuple(_blocks(network))
    return _Way(decisions, blocks, *_agreement(blocks, wanted))


def _agreement(blocks: tuple[Block, ...], wanted: Sequence[Block]) -> tuple[float, tuple[Block, ...]]:
    """How many blocks from the stem on are those wanted, and how near the first other one is; the blocks up to that."""
    for at, (block, other) in enumerate(zip(blocks, wanted, strict=False)):
        apart = _apart(block, other)
        if apart > 0:
            return at + 1 - apart, blocks[: at + 1]
    return float(min(len(blocks), len(wanted))), blocks


def _blocks(architecture: Architecture) -> Iterable[Block]:
    """The blocks from the stem to the head."""
    return chain(architecture.stem, *(stage.blocks for stage in architecture.stages), architecture.head)


@lru_cache(100_000)
def _apart(block: Block, other: Block) -> float:
    """The distance of two blocks: 0 where they are equal, 1 where they are of other kinds."""
    if block == other:
        return 0.0
    if type(block) is not type(other):
        return 1.0
    names = [field.name for field in fields(block)]
    # One field more, so that two blocks of one kind are nearer than two of other kinds whatever their fields.
    return sum(_differ(getattr(block, name), getattr(other, name)) for name in names) / (len(names) + 1)


def _differ(value: Any, other: Any) -> float:
    """The distance of two values of a field: numbers are the nearer, the smaller their ratio."""
    if value == other:
        return 0.0
    if isinstance(value, tuple) and isinstance(other, tuple) and len(value) == len(other):
        return sum(map(_differ, value, other)) / len(value)
    if not all(isinstance(one, (int, float)) and one > 0 for one in (value, other)):
        return 1.0
    return _UNEQUAL + (1 - _UNEQUAL) * min(1.0, abs(math.log(value / other)))
