"""The classes of the file, and which of them each module of the network is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

from evaluators.export.python_source.merging import Union, merged
from evaluators.export.python_source.operations import Argument, call_of
from evaluators.export.python_source.scopes import Chain, Leaf, Module, Scope, inner_scopes
from evaluators.export.python_source.writer import Class, Writer
from space.blocks import Parallel


@dataclass(eq=False)
class Classes:
    """All classes of a network, helpers first."""

    found: list[Class] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    _places: dict[int, tuple[Class, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, modules: Sequence[Module]) -> Classes:
        """The classes for everything in ``modules``."""
        kinds: dict[str, list[Scope]] = {}
        for module in modules:
            for scope in inner_scopes(module):
                kinds.setdefault(_kind(scope), []).append(scope)
        classes = cls()
        letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        for kind in sorted(kinds, key=lambda kind: max(map(_height, kinds[kind]))):
            unions = merged(kinds[kind], classes.names)
            names = list(_variant_names(unions))
            if isinstance(kinds[kind][0].block, Parallel):
                names = [f"{union.kind}{next(letters)}" for union in unions]
            for union, name in zip(unions, names, strict=True):
                classes._add(union, name)
        return classes

    def use(self, scope: Scope) -> tuple[Class, int]:
        """(the class of ``scope``, which of its instances it is)."""
        return self._places[id(scope)]

    def call(self, module: Leaf | Scope) -> tuple[str, tuple[Argument, ...]]:
        """(what makes ``module``, its arguments)."""
        if isinstance(module, Leaf):
            return call_of(module.op)
        made, index = self.use(module)
        return made.name, made.arguments(index)

    def _add(self, union: Union, name: str) -> None:
        made = Writer(self.call, union, name).written()
        self.found.append(made)
        for index, scope in enumerate(union.instances):
            self.names[id(scope)] = name
            self._places[id(scope)] = (made, index)


def _kind(scope: Scope) -> str:
    return f"{scope.kind}, {_height(scope)}" if isinstance(scope.block, Parallel) else scope.kind


def _height(module: Module) -> int:
    """How many scopes lie inside one another."""
    if isinstance(module, Chain):
        return max(map(_height, module.items))
    if isinstance(module, Scope):
        return 1 + max(_height(part.inner) for part in module.parts.values())
    return 0


def _variant_names(unions: Sequence[Union]) -> Iterator[str]:
    """The names of the classes of one kind.

    The one with most blocks has the kind's name. The others are told apart by a field that is switched on in them alone
    (``PreActivationBottleneck``), by their expansion (``FusedMBConv1``), else by letters.
    """
    most = max(unions, key=lambda union: len(union.instances))
    for place, union in enumerate(unions):
        kind = union.kind
        blocks = [scope.block for scope in union.instances]
        others = [scope.block for other in unions if other is not union for scope in other.instances]
        name = kind if union is most else f"{kind}{chr(ord('B') + place)}"
        for item in fields(blocks[0]) if others and blocks[0] is not None else ():
            values = {getattr(block, item.name) for block in blocks}
            elsewhere = {getattr(block, item.name, None) for block in others}
            value = next(iter(values))
            if len(values) > 1 or value in elsewhere:
                continue
            if isinstance(value, bool):
                name = _title(item.name) + kind if value else kind
                break
            if item.name == "expansion" and union is not most:
                name = f"{kind}{value:g}".replace(".", "_")
                break
        yield name


def _title(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
