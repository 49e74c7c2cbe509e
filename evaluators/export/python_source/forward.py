"""The ``forward`` of a class: a few statements, each as much as a person would put on one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from evaluators.export.python_source.layout import Call, Choice, Expression, laid_out, text
from evaluators.export.python_source.merging import Union, UnionPart
from evaluators.export.python_source.scopes import INPUT, Leaf
from space.operations import Add, Concat, Conv2d, Scale

_INDENT = "        "
_SHORT = 3
"""A class of so few operations in a row is one expression."""
_INLINE = 2
"""The most calls in a branch that stands inside a concatenation."""


def forward_lines(union: Union, attributes: Mapping[str, str], optional: AbstractSet[str]) -> list[str]:
    """The body of ``forward``; ``optional`` holds the parts that some instances do not have."""
    return _Forward(union, attributes, optional).lines()


@dataclass(frozen=True)
class _Value:
    """An expression that is not assigned yet: the variables in it, and whether it holds a whole layer."""

    expression: Expression
    variables: frozenset[str]
    heavy: bool


@dataclass(eq=False)
class _Forward:
    union: Union
    attributes: Mapping[str, str]
    optional: AbstractSet[str]
    statements: list[str] = field(default_factory=list)
    values: dict[str, _Value] = field(default_factory=dict)

    def lines(self) -> list[str]:
        self.reads = self._count_reads()
        self.short = len(self.union.parts) <= _SHORT and all(
            len(p.inputs) == 1 for p in self.union.parts.values()
        )
        self.inline = self._inline_parts()
        self.values[INPUT] = _Value("x", frozenset({"x"}), False)
        for name, part in self.union.parts.items():
            operator = self._operator(part)
            value = self._combined(part) if operator else self._called(part)
            self.values[name] = value
            choice = isinstance(value.expression, Choice) and name != self.union.output
            waits = value.heavy and name not in self.inline and not self._read_next(name)
            if self.reads[name] > 1 or choice or waits:
                self._assign(name)
        result = self.values[self.union.output].expression
        return [*self.statements, *laid_out("return ", result, indent=_INDENT)]

    def _read_next(self, name: str) -> bool:
        """Whether the next part reads ``name``, or nothing else reads what it read."""
        names = list(self.union.parts)
        following = names[names.index(name) + 1 :]
        source = self.union.parts[name].inputs[0]
        return not following or name in self.union.parts[following[0]].inputs or self._reads_left(source) == 0

    def _count_reads(self) -> Counter[str]:
        reads = Counter([self.union.output])
        for name, part in self.union.parts.items():
            reads.update(part.inputs)
            if name in self.optional and not self._operator(part) and part.fallback not in part.inputs:
                reads.update([part.fallback])
        self.taken: Counter[str] = Counter()
        return reads

    def _reads_left(self, name: str) -> int:
        return self.reads[name] - self.taken[name]

    def _operator(self, part: UnionPart) -> bool:
        return isinstance(part.first, Leaf) and isinstance(part.first.op, Add | Concat | Scale)

    def _inline_parts(self) -> set[str]:
        """The parts of short branches that a concatenation can hold as they are."""
        found: set[str] = set()
        for part in self.union.parts.values():
            if not (isinstance(part.first, Leaf) and isinstance(part.first.op, Concat)):
                continue
            branches = [self._branch(source) for source in part.inputs]
            if all(len(branch) <= _INLINE for branch in branches):
                found.update(name for branch in branches for name in branch)
        return found

    def _branch(self, name: str) -> list[str]:
        """The parts in a row that end in ``name``."""
        names: list[str] = []
        while name != INPUT and self.reads[name] == 1 and not self._operator(self.union.parts[name]):
            names.append(name)
            name = self.union.parts[name].inputs[0]
        return names

    def _called(self, part: UnionPart) -> _Value:
        source = part.inputs[0]
        if self.values[source].heavy and not self.short and part.name not in self.inline:
            self._assign(source)
        self.taken[source] += 1
        value = self.values[source]
        expression: Expression = Call(f"self.{self.attributes[part.name]}", (value.expression,))
        heavy = not isinstance(part.first, Leaf) or isinstance(part.first.op, Conv2d)
        variables = value.variables
        if part.name in self.optional and part.fallback != source:
            self.taken[part.fallback] += 1
            passed = self.values[part.fallback]
            expression = Choice(f"self.{part.name} is None", passed.expression, text(expression))
            variables |= passed.variables
        return _Value(expression, variables, heavy or value.heavy)

    def _combined(self, part: UnionPart) -> _Value:
        passed = part.fallback
        if part.name in self.optional:
            while passed in self.union.parts and self.union.parts[passed].present == part.present:
                passed = self.union.parts[passed].fallback
            if not isinstance(self.values[passed].expression, str):
                self._assign(passed)
                if passed != part.inputs[-1]:  # what was made of it reads the variable now
                    self.values[part.inputs[-1]] = self._called(self.union.parts[part.inputs[-1]])
        heavy = [source for source in part.inputs if self.values[source].heavy]
        if isinstance(getattr(part.first, "op", None), Concat):
            for source in heavy:
                if source not in self.inline:
                    self._assign(source)
        elif len(heavy) > 1:
            self._assign(heavy[-1])
        operands = [self.values[source] for source in part.inputs]
        for source in part.inputs:
            self.taken[source] += 1
        assert isinstance(part.first, Leaf)
        if isinstance(part.first.op, Concat):
            expressions = tuple(operand.expression for operand in operands)
            combined: Expression = Call("torch.cat", (Call("", expressions, brackets="[]"), "dim=1"))
        else:
            sign = " + " if isinstance(part.first.op, Add) else " * "
            combined = sign.join(text(operand.expression) for operand in operands)
        if part.name in self.optional:
            combined = Choice("self.skip", combined, text(self.values[passed].expression))
        return _Value(combined, frozenset().union(*[o.variables for o in operands]), False)

    def _assign(self, name: str) -> None:
        """Gives the value of ``name`` a variable."""
        value = self.values[name]
        if isinstance(value.expression, str) and value.expression.isidentifier():
            return
        held = {
            v
            for n, other in self.values.items()
            if n != name and (self._reads_left(n) > 0)
            for v in other.variables
        }
        free = [v for v in sorted(value.variables) if v not in held]
        if name == "shortcut":
            target = "shortcut"
        elif free:
            target = free[-1]
        else:
            target = next(v for v in ("y", "z", name) if v not in held)
        self.statements += laid_out(f"{target} = ", value.expression, indent=_INDENT)
        self.values[name] = _Value(target, frozenset({target}), False)
