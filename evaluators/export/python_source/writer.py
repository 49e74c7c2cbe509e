"""The text of one class: constructor and ``forward``, from the blocks that share it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluators.export.python_source.forward import forward_lines
from evaluators.export.python_source.layout import Call, Choice, Expression, laid_out
from evaluators.export.python_source.merging import Union, UnionPart
from evaluators.export.python_source.operations import IDENTITY, REQUIRED, Argument
from evaluators.export.python_source.parameter import Parameter, Values, literal
from evaluators.export.python_source.parameters import Parameters
from evaluators.export.python_source.scopes import INPUT, Chain, Leaf, Module, Scope
from evaluators.export.python_source.words import FLAGS, description
from space.operations import Activation, Add, Concat, Scale, StochasticDepth

CallOf = Callable[[Leaf | Scope], tuple[str, tuple[Argument, ...]]]
"""A module → (what makes it, its arguments)."""

_OPERATORS = (Add, Concat, Scale)


@dataclass(frozen=True, eq=False)
class Class:
    """A class of the file, and the arguments that make each instance."""

    name: str
    lines: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    attributes: Mapping[str, str]
    """The attribute that holds each part."""
    positional: tuple[str, ...]
    """The roles of arguments that are written without their names."""

    def arguments(self, index: int) -> tuple[Argument, ...]:
        """The arguments of instance ``index``."""
        return tuple(
            Argument(p.name, p.role, p.values[index], p.default, p.role in self.positional)
            for p in self.parameters
        )


@dataclass(eq=False)
class Writer:
    """Writes one class; ``call_of`` says how a module inside it is made."""

    call_of: CallOf
    union: Union
    name: str
    parameters: Parameters = field(init=False)
    flows: dict[str, tuple[str, Values]] = field(init=False)
    """The channels that each part puts out: how they are written, and how many in each instance."""

    def __post_init__(self) -> None:
        self.parameters = Parameters(self.union)
        self.flows = {INPUT: (self.parameters.entering, self.parameters.entry)}

    def written(self) -> Class:
        self._collect_hints()
        modules = {name: self._module(part) for name, part in self.union.parts.items()}
        attributes = self._attributes(modules)
        conditions = {
            name: self._condition(part)
            for name, part in self.union.parts.items()
            if not self._unconditional(part)
        }
        body: dict[str, list[str]] = {}
        for name, part in self.union.parts.items():
            module, condition = modules[name], conditions.get(name)
            if module is None:
                if condition is not None:
                    body["skip"] = [f"        self.skip = {condition}"]
                continue
            if condition is not None:
                passed = f"{IDENTITY}()" if part.fallback == part.inputs[-1] else "None"
                module = Choice(condition, module, passed)
            body.setdefault(attributes[name], laid_out(f"self.{attributes[name]} = ", module, "", "        "))
        lines = [line for rows in body.values() for line in rows]
        made = "\n".join([*lines, *self.parameters.locals.values()])
        if not re.search(rf"\b{self.parameters.entering}\b", made):
            del self.parameters.found[self.parameters.entering]
        forward = forward_lines(self.union, attributes, set(conditions))
        inner = all(scope.block is None for scope in self.union.instances)
        positional = ("in", "out", "channels", "kernel") if inner else ("in", "out")
        return Class(
            self.name,
            tuple(self._lines(lines, forward)),
            tuple(self.parameters.signature()),
            attributes,
            positional,
        )

    # The parts.

    def _collect_hints(self) -> None:
        for part in self.union.parts.values():
            calls = [
                self.call_of(m) for m in part.modules if isinstance(m, Leaf | Scope) and not _is_operator(m)
            ]
            if len(calls) == len(part.modules):
                for place, argument in enumerate(calls[0][1]):
                    column = tuple(arguments[place].value for _, arguments in calls)
                    self.parameters.hints.setdefault(argument.role, []).append(column)

    def _module(self, part: UnionPart) -> Expression | None:
        """What makes the part; None for sums, products and concatenations."""
        entering = self.flows[part.inputs[0]]
        fallback = self.flows[part.fallback][1]
        leaving = tuple(
            m.shape[0] if m is not None else f for m, f in zip(part.modules, fallback, strict=True)
        )
        if _is_operator(part.first):
            known = next((self.flows[i] for i in part.inputs if self.flows[i][1] == leaving), None)
            self.flows[part.name] = known or ("", leaving)
            return None
        if isinstance(part.first, Chain):
            calls = []
            for place in range(len(part.first.items)):
                items = tuple(m.items[place] if isinstance(m, Chain) else None for m in part.modules)
                call, entering = self._call(
                    part.name, items, entering, tuple(i and i.shape[0] for i in items)
                )
                calls.append(call)
            self.flows[part.name] = entering
            return Call("nn.Sequential", tuple(calls), open=True)
        call, self.flows[part.name] = self._call(part.name, part.modules, entering, leaving)
        return call

    def _call(
        self, name: str, modules: Sequence[Module | None], entering: tuple[str, Values], leaving: Values
    ) -> tuple[Expression, tuple[str, Values]]:
        """(what makes the module, the channels that it puts out)."""
        calls = [self.call_of(m) if isinstance(m, Leaf | Scope) else None for m in modules]
        function, first = next(call for call in calls if call is not None)
        columns = [tuple(c[1][i].value if c else None for c in calls) for i in range(len(first))]
        if isinstance(next(m for m in modules if m is not None), Leaf) and not function:
            return Call(self.parameters.activation(name, columns[0])), entering
        written: list[tuple[Argument, str]] = []
        by_role = {a.role: column for a, column in zip(first, columns, strict=True)}
        out = entering if leaving == entering[1] else ("", leaving)
        for argument, column in zip(first, columns, strict=True):
            if argument.role == "in":
                text = (
                    entering[0]
                    if entering[0] and _agree(column, entering[1])
                    else self.parameters.unsaid(name, column)
                )
            elif argument.role == "out":
                depthwise = _agree(by_role.get("groups", (0,) * len(column)), by_role["in"])
                text = self.parameters.out_channels(name, leaving, entering, depthwise)
                out = (text, leaving)
            elif argument.role == "channels":
                text = self.parameters.channels(argument.name, column, entering)
            elif argument.role == "padding" and _halves(column, by_role["kernel"]):
                kernel = next(text for earlier, text in written if earlier.role == "kernel")
                text = str(int(kernel) // 2) if kernel.isdigit() else f"{kernel} // 2"
            else:
                text = self.parameters.written(name, argument.role, column, entering)
            written.append((argument, text))
        return Call(function, arguments_text(written)), out

    def _unconditional(self, part: UnionPart) -> bool:
        """Whether every instance has the part, or one that does nothing in its place."""
        if part.always:
            return True
        if not isinstance(part.first, Leaf):
            return False
        if isinstance(part.first.op, StochasticDepth):
            return True  # only used where its sum is
        return isinstance(part.first.op, Activation)

    def _condition(self, part: UnionPart) -> str:
        inputs = self.flows[part.inputs[0]]
        leaving = self.flows[part.name]
        operator = _is_operator(part.first)
        changes = None if operator or leaving is inputs else (*leaving, *inputs)
        flag = FLAGS.get(part.name, part.name)
        return self.parameters.condition(flag, part.present, operator or part.name == "shortcut", changes)

    def _attributes(self, modules: Mapping[str, Expression | None]) -> dict[str, str]:
        """The attribute of each part: its name, and ``act`` for all activations where they are the same."""
        acts = [name for name in modules if name.startswith("act")]
        shared = len(acts) > 1 and len({modules[name] for name in acts}) == 1
        return {name: "act" if shared and name in acts else name for name in modules}

    # The text.

    def _lines(self, init: Sequence[str], forward: Sequence[str]) -> list[str]:
        declared = [_declared(parameter) for parameter in self.parameters.signature()]
        return [
            f"class {self.name}(nn.Module):",
            f'    """{description(self.union.kind, self.union.instances[0].block)}"""',
            "",
            *laid_out("def __init__", Call("", ("self", *declared)), " -> None:", "    "),
            "        super().__init__()",
            *[f"        {name} = {value}" for name, value in self.parameters.locals.items()],
            *init,
            "",
            "    def forward(self, x: Tensor) -> Tensor:",
            *forward,
        ]


def _is_operator(module: Module) -> bool:
    return isinstance(module, Leaf) and isinstance(module.op, _OPERATORS)


def _declared(parameter: Parameter) -> str:
    default = "" if parameter.default is REQUIRED else f" = {literal(parameter.default)}"
    return f"{parameter.name}: {parameter.type}{default}"


def _agree(column: Values, other: Values) -> bool:
    return all(a is None or a == b for a, b in zip(column, other, strict=True))


def _halves(padding: Values, kernel: Values) -> bool:
    pairs = [(p, k) for p, k in zip(padding, kernel, strict=True) if p is not None]
    return all(isinstance(k, int) and p == k // 2 for p, k in pairs)


def arguments_text(arguments: Sequence[tuple[Argument, str]]) -> tuple[str, ...]:
    """Arguments with their expressions as they are written; those that are the default anyway are left out."""
    texts = []
    for argument, expression in arguments:
        if argument.default is not REQUIRED and expression == literal(argument.default):
            continue
        texts.append(expression if argument.positional else f"{argument.name}={expression}")
    return tuple(texts)
