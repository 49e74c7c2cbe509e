"""A search space: named decisions, some of which exist only under others, and the network they decode to.

A sampler sees only the decisions. A decision with a ``parent`` is *active* where the parent is active and has one
of the values in ``when``. An assignment ("decisions" below) holds one value for each active decision and no others,
in the order of declaration.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from space.architecture import Architecture
from space.errors import InputError, UnknownNameError
from space.limits import MOST_OPTIONS

Option = str | int | float | bool
Decisions = dict[str, Option]


def is_number(value: object, least: float, most: float) -> bool:
    """Whether ``value`` is a finite number from ``least`` to ``most``; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether ``value`` is a whole number from ``least`` to ``most``, and no float."""
    return isinstance(value, int) and is_number(value, least, most)


@dataclass(frozen=True, slots=True)
class Decision:
    """One named choice among ``options``; conditional on ``parent`` having a value in ``when``."""

    name: str
    options: tuple[Option, ...]
    parent: str | None = None
    when: tuple[Option, ...] = ()

    def __post_init__(self) -> None:
        if len(self.options) > MOST_OPTIONS:
            raise InputError(
                f"decision {self.name}: wanted at most {MOST_OPTIONS} options, got {len(self.options)}"
            )
        if not self.options or len(set(map(repr, self.options))) != len(self.options):
            raise InputError.of(f"decision {self.name}", "distinct options, at least one", self.options)
        if (self.parent is None) != (not self.when):
            raise InputError.of(f"decision {self.name}", "both parent and when, or neither", self.when)

    def index(self, value: Option) -> int:
        """Position of ``value`` among the options; True and 1 are different options."""
        for index, option in enumerate(self.options):
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return index
        raise InputError.of(f"decision {self.name}", f"one of {', '.join(map(repr, self.options))}", value)


@dataclass(frozen=True)
class SearchSpace:
    """Decisions in an order in which parents come before children, and the function that decodes them.

    ``build`` is None for a space that has no architectures behind it (a bare table of results). ``known`` are assignments that
    stand for networks of the literature.
    """

    name: str
    decisions: tuple[Decision, ...]
    build: Callable[[Mapping[str, Option]], Architecture] | None = None
    known: tuple[Decisions, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, Decision] = {}
        for decision in self.decisions:
            if decision.name in seen:
                raise InputError(f"space {self.name}: decision {decision.name!r} is declared twice")
            if decision.parent is not None:
                if decision.parent not in seen:
                    raise InputError(
                        f"space {self.name}: parent {decision.parent!r} of {decision.name!r} must come before it"
                    )
                for value in decision.when:
                    seen[decision.parent].index(value)
            seen[decision.name] = decision
        if not seen:
            raise InputError.of(f"space {self.name}", "at least one decision", ())

    def with_options(self, options: Mapping[str, Sequence[Option]]) -> SearchSpace:
        """The space with other options for the decisions that are named.

        ``build`` gets them as they are. Raises UnknownNameError for a decision that is none of the space.
        """
        for name in options:
            if name not in self.by_name:
                raise UnknownNameError(f"space {self.name}: decision", name, self.by_name)
        changed = (replace(d, options=tuple(options.get(d.name, d.options))) for d in self.decisions)
        return replace(self, decisions=tuple(changed))

    @cached_property
    def by_name(self) -> dict[str, Decision]:
        """The decisions by name, in order."""
        return {d.name: d for d in self.decisions}

    @cached_property
    def _children(self) -> dict[str | None, tuple[Decision, ...]]:
        children: dict[str | None, list[Decision]] = {}
        for decision in self.decisions:
            children.setdefault(decision.parent, []).append(decision)
        return {parent: tuple(group) for parent, group in children.items()}

    @cached_property
    def size(self) -> int:
        """Number of different assignments (several may decode to the same network)."""

        def ways(decision: Decision) -> int:
            return sum(
                prod(ways(c) for c in self._children.get(decision.name, ()) if value in c.when)
                for value in decision.options
            )

        return prod(ways(d) for d in self._children[None])

    def is_active(self, decision: Decision, partial: Mapping[str, Option]) -> bool:
        """Whether ``decision`` exists under the values chosen so far."""
        return decision.parent is None or partial.get(decision.parent) in decision.when

    def active(self, partial: Mapping[str, Option]) -> Iterator[Decision]:
        """The decisions that are active under ``partial``, in order. Each is checked when it is reached, so values may be added while iterating."""
        return (d for d in self.decisions if self.is_active(d, partial))

    def validate(self, decisions: Mapping[str, Option]) -> Decisions:
        """The assignment in declared order. Raises InputError on a missing, unknown or inactive decision or value."""
        checked: Decisions = {}
        for decision in self.active(checked):
            if decision.name not in decisions:
                raise InputError(f"space {self.name}: decision {decision.name!r} is missing")
            value = decision.options[decision.index(decisions[decision.name])]
            checked[decision.name] = value
        for name in decisions:
            if name not in self.by_name:
                raise UnknownNameError(f"space {self.name}: decision", name, self.by_name)
            if name not in checked:
                raise InputError(f"space {self.name}: decision {name!r} is not active under the others")
        return checked

    def decode(self, decisions: Mapping[str, Option]) -> Architecture:
        """The network that the decisions stand for."""
        if self.build is None:
            raise InputError(f"space {self.name}: its decisions have no architectures behind them")
        return self.build(self.validate(decisions))

    def sample(self, rng: random.Random) -> Decisions:
        """A random assignment: each active decision drawn uniformly, in order."""
        chosen: Decisions = {}
        for decision in self.active(chosen):
            chosen[decision.name] = rng.choice(decision.options)
        return chosen

    def mutate(self, decisions: Mapping[str, Option], rng: random.Random) -> Decisions:
        """The assignment with one active decision changed; decisions that become active are drawn at random."""
        open_choices = [d for d in self.active(decisions) if len(d.options) > 1]
        if not open_choices:
            return dict(decisions)
        target = rng.choice(open_choices)
        return self._changed(decisions, target, rng.choice(_others(target, decisions)), rng)

    def neighbours(self, decisions: Mapping[str, Option], rng: random.Random) -> Iterator[Decisions]:
        """Every assignment with one active decision changed, in order; decisions that become active are drawn at random."""
        for target in self.active(decisions):
            for option in _others(target, decisions):
                yield self._changed(decisions, target, option, rng)

    def _changed(
        self, decisions: Mapping[str, Option], target: Decision, option: Option, rng: random.Random
    ) -> Decisions:
        changed: Decisions = {}
        for decision in self.active(changed):
            if decision is target:
                changed[decision.name] = option
            elif decision.name in decisions:
                changed[decision.name] = decisions[decision.name]
            else:
                changed[decision.name] = rng.choice(decision.options)
        return changed

    def enumerate(self) -> Iterator[Decisions]:
        """Every assignment, in lexicographic order of the options."""

        def extend(start: int, chosen: Decisions) -> Iterator[Decisions]:
            for position in range(start, len(self.decisions)):
                decision = self.decisions[position]
                if self.is_active(decision, chosen):
                    for option in decision.options:
                        yield from extend(position + 1, {**chosen, decision.name: option})
                    return
            yield chosen

        return extend(0, {})


def _others(decision: Decision, decisions: Mapping[str, Option]) -> list[Option]:
    """The options of ``decision`` that are not the one taken."""
    current = decision.index(decisions[decision.name])
    return [option for index, option in enumerate(decision.options) if index != current]
