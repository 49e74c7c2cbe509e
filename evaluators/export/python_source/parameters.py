"""The parameters of a class: which values of its parts they stand for, and how each value is written with them.

A class stands for many blocks. What is the same in all of them is written as a number; what differs
becomes a parameter, or an expression of others where one fits all blocks: the channels that come in, a field of the block
(``width``, ``growth``), ``in_channels * expansion``, ``in_channels // 4``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from evaluators.export.python_source.merging import Union
from evaluators.export.python_source.operations import IDENTITY
from evaluators.export.python_source.parameter import Parameter, Values, literal
from evaluators.export.python_source.scopes import INPUT, Leaf
from space.operations import Add, Scale

_LARGEST_DIVISOR = 64
# The fields of blocks that multiply channels.
_FACTORS = ("expansion", "bottleneck")
_CHANNEL_NAMES = {"expand": "hidden", "reduce": "squeezed"}


@dataclass(eq=False)
class Parameters:
    """The parameters of the class of ``union``, found one after the other as its parts are written."""

    union: Union
    found: dict[str, Parameter] = field(default_factory=dict)
    locals: dict[str, str] = field(default_factory=dict)
    """Values worked out at the start of the constructor: name → expression."""
    hints: dict[str, list[Values]] = field(default_factory=dict)
    """The values of arguments by role where every instance has them; those of parts that may be missing follow."""

    def __post_init__(self) -> None:
        self.entry = tuple(scope.entry[0] for scope in self.union.instances)
        self.exit = tuple(scope.shape[0] for scope in self.union.instances)
        # A class that never changes the number of channels needs no word for those that come out.
        self.entering = "channels" if self._adds_its_input() and self.entry == self.exit else "in_channels"
        self.found[self.entering] = Parameter(self.entering, "in", self.entry)
        self.fields = dict(self._fields())
        blocks = [scope.block for scope in self.union.instances]
        self.widths = blocks[0].widths if blocks[0] is not None else None

    def _fields(self) -> Iterator[tuple[str, Values]]:
        """The fields of the blocks that hold whole numbers, with their values."""
        blocks = [scope.block for scope in self.union.instances]
        if any(block is None for block in blocks):
            return
        for item in fields(blocks[0]):  # type: ignore[arg-type]
            values = [getattr(block, item.name) for block in blocks]
            if all(isinstance(v, int | float) and not isinstance(v, bool) and v == int(v) for v in values):
                yield item.name, tuple(map(int, values))

    # Channels.

    def out_channels(self, part: str, values: Values, entering: tuple[str, Values], depthwise: bool) -> str:
        """How the channels are written that ``part`` puts out, where those of ``entering`` come in."""
        if depthwise and values == entering[1]:
            return entering[0]
        if values == self.entry and self._adds_its_input():
            return self.entering
        return self.channels(part, values, entering)

    def channels(self, part: str, values: Values, entering: tuple[str, Values]) -> str:
        """How a number of channels inside the class is written."""
        last = _matches(values, self.exit)
        own = [
            name for name in self.widths or () if name in self.fields and _matches(values, self.fields[name])
        ]
        if own:
            own.sort(key=lambda name: (name != part, (name == "out_channels") != last, name in self.found))
            return self.add(own[0], "out" if own[0] == "out_channels" else "channels", self.fields[own[0]])
        if last and self.widths is None:
            return self.add("out_channels", "out", self.exit)
        if self.widths == () and self._constant(values):
            return literal(next(v for v in values if v is not None))
        if values == entering[1] and entering[0]:
            return entering[0]
        name = _CHANNEL_NAMES.get(part, part if part in _CHANNEL_NAMES.values() else f"{part}_channels")
        return (
            self._product(values)
            or self._quotient(values, entering)
            or self._known(values, "channels")
            or self.add(name, "channels", tuple(v or 0 for v in values))
        )

    def unsaid(self, part: str, values: Values) -> str:
        """How channels are written that enter ``part`` and have no expression so far."""
        if self._constant(values):
            return repr(next(v for v in values if v is not None))
        usual = next(v for v in values if v is not None)
        name = f"{part}_channels"
        filled = tuple(usual if v is None else v for v in values)
        return self._known(values, "channels") or self.add(name, "channels", filled)

    def _adds_its_input(self) -> bool:
        """Whether every instance sums or gates what enters it."""
        return any(
            part.always and INPUT in part.inputs and isinstance(getattr(part.first, "op", None), Add | Scale)
            for part in self.union.parts.values()
        )

    def _product(self, values: Values) -> str | None:
        """``in_channels * expansion``, or another number of channels times a field, as the local variable ``hidden``."""
        if "hidden" in self.locals or "hidden" in self.found:
            return None
        widths = {n: self.fields[n] for n in self.widths or () if n in self.fields and n != "out_channels"}
        for base, channels in ((self.entering, self.entry), *widths.items()):
            for factor in _FACTORS:
                factors = self.fields.get(factor)
                if factors is None or not _matches(
                    values, tuple(c * f for c, f in zip(channels, factors, strict=True))
                ):
                    continue
                if base != self.entering:
                    self.add(base, "channels", channels)
                if self._constant(factors):
                    self.locals["hidden"] = f"{factors[0]} * {base}"
                else:
                    self.locals["hidden"] = f"{base} * {self.add(factor, 'factor', factors)}"
                return "hidden"
        return None

    def _quotient(self, values: Values, entering: tuple[str, Values]) -> str | None:
        """``in_channels // 4``, of what enters the block or the part: the smallest divisor, without a remainder."""
        if self.widths is None:
            return None
        for divisor in range(2, _LARGEST_DIVISOR + 1):
            for base, channels in ((self.entering, self.entry), entering):
                if _matches(tuple(v and v * divisor for v in values), channels):
                    return f"{base} // {divisor}"
        return None

    # Everything else.

    def written(self, part: str, role: str, values: Values, entering: tuple[str, Values]) -> str:
        """How an argument is written that counts no channels."""
        known = self._known(values, role)
        if known is not None:
            return known
        hint = next((h for h in self.hints.get(role, ()) if None in values and _matches(values, h)), None)
        if role == "groups" and set(values) - {None, 1} and _matches(values, entering[1]):
            return entering[0]
        if self._constant(values) and (hint is None or self._constant(hint)):
            return literal(next(v for v in values if v is not None))
        if role == "groups":
            quotient = self._quotient(values, entering)
            if quotient is not None:
                return quotient
        if role == "kernel":
            for name, column in self.fields.items():
                if "kernel" in name and _matches(values, column):
                    return self.add(name, role, column)
        name = role
        if role == "function":
            named = isinstance(self.union.parts[part].first, Leaf) and not part.startswith("act")
            name = part if named else "activation"
        usual = Counter(v for v in values if v is not None).most_common(1)[0][0]
        return self.add(name, role, hint or tuple(usual if v is None else v for v in values))

    def activation(self, part: str, values: Values) -> str:
        """How the class of an activation is written; where there is none, it is the identity."""
        return self.written(part, "function", tuple(v or IDENTITY for v in values), ("", ()))

    def condition(
        self,
        flag: str,
        present: tuple[bool, ...],
        shaping: bool,
        changes: tuple[str, Values, str, Values] | None,
    ) -> str:
        """When an instance has a part.

        ``changes`` holds the channels that come out of it and those that come in, where they may differ; ``shaping``
        says that the shapes in and out of the block may decide. Where nothing does, a parameter ``flag`` says it.
        """
        for parameter in self.found.values():
            if parameter.role in ("channels", "kernel") and _truths(parameter.values) == present:
                return parameter.name
            if parameter.role == "factor" and tuple(v != 1 for v in parameter.values) == present:
                return f"{parameter.name} != 1"
        for name, column in self.fields.items():
            if "kernel" in name and _truths(column) == present:
                return self.add(name, "kernel", column)
        if changes is not None and not shaping:
            leaving, left, entering, entered = changes
            if tuple(a != b for a, b in zip(left, entered, strict=True)) == present:
                return f"{leaving} != {entering}"
        return (self._shape_condition(present) if shaping else None) or self.add(flag, "flag", present)

    def _shape_condition(self, present: tuple[bool, ...]) -> str | None:
        """A condition on stride and channels, the most exact one first."""
        stride = self.found.get("stride")
        conditions: list[tuple[tuple[bool, ...], str, str]] = []
        if "out_channels" in self.found:
            same = tuple(a == b for a, b in zip(self.entry, self.exit, strict=True))
            conditions.append((same, "in_channels == out_channels", "in_channels != out_channels"))
        if stride is not None:
            whole = tuple(v == 1 for v in stride.values)
            conditions.append((whole, "stride == 1", "stride != 1"))
        if len(conditions) == 2:
            both = tuple(a and b for a, b in zip(same, whole, strict=True))
            yes, no = (
                " and ".join(c[1] for c in conditions[::-1]),
                " or ".join(c[2] for c in conditions[::-1]),
            )
            conditions.insert(0, (both, yes, no))
        for column, equal, unequal in conditions:
            if column == present:
                return equal
            if tuple(not c for c in column) == present:
                return unequal
        return None

    def add(self, name: str, role: str, values: Values) -> str:
        """The name of a parameter with ``values``: ``name``, with a number behind it where that is another one."""
        free, number = name, 2
        while free in self.locals or (free in self.found and self.found[free].values != values):
            free, number = f"{name}{number}", number + 1
        self.found.setdefault(free, Parameter(free, role, values))
        return free

    def signature(self) -> list[Parameter]:
        """All parameters, in the order of the constructor."""
        return sorted(self.found.values(), key=lambda parameter: parameter.rank)

    def _known(self, values: Values, role: str) -> str | None:
        for parameter in self.found.values():
            if parameter.role == role and _matches(values, parameter.values):
                return parameter.name
        return None

    @staticmethod
    def _constant(values: Values) -> bool:
        return len({v for v in values if v is not None}) == 1


def _matches(values: Values, column: Values) -> bool:
    return all(a is None or a == b for a, b in zip(values, column, strict=True))


def _truths(values: Values) -> tuple[bool, ...]:
    return tuple(map(bool, values))
