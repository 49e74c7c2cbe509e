"""Blocks of one kind as one class: the parts of all of them, some of which are not in every one.

An MBConv of expansion 1 has no expansion, a residual block that keeps its shape has no projection in its shortcut. Such
blocks share a class if what is missing can be passed over: its reader then reads what it would have read, or
the block's input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.export.python_source.scopes import INPUT, Chain, Leaf, Module, Part, Scope
from space.blocks import Parallel
from space.operations import Add, Conv2d, Pool2d, StochasticDepth


@dataclass(frozen=True, eq=False)
class UnionPart:
    """One part of a class. ``modules`` holds it in each instance, None where the instance has none.

    ``fallback`` is what its readers read where it is missing.
    """

    name: str
    modules: tuple[Module | None, ...]
    inputs: tuple[str, ...]
    fallback: str

    @property
    def present(self) -> tuple[bool, ...]:
        return tuple(module is not None for module in self.modules)

    @property
    def always(self) -> bool:
        return all(self.present)

    @property
    def first(self) -> Module:
        """The part in the first instance that has it."""
        return next(module for module in self.modules if module is not None)


@dataclass(frozen=True, eq=False)
class Union:
    """Scopes of one kind that one class can be written for."""

    kind: str
    instances: tuple[Scope, ...]
    parts: Mapping[str, UnionPart]
    output: str


def merged(scopes: Sequence[Scope], names: Mapping[int, str]) -> list[Union]:
    """``scopes`` of one kind in as few groups as can share a class, in order of their first members.

    ``names`` holds the classes of the scopes inside them, by id.
    """
    alike: dict[object, list[tuple[Scope, Scope]]] = {}  # only one of those that are alike is tried
    drops = any(map(_drops, scopes))
    for scope in scopes:
        even = _with_zero_drop_path(scope) if drops else scope
        alike.setdefault(_shape(even, names), []).append((scope, even))
    groups: list[list[list[tuple[Scope, Scope]]]] = []
    for members in alike.values():
        for group in groups:
            if _union([m[0] for m in (*group, members)], names) is not None:
                group.append(members)
                break
        else:
            groups.append([members])
    place = {id(scope): index for index, scope in enumerate(scopes)}
    unions = []
    for group in groups:
        pairs = sorted((pair for members in group for pair in members), key=lambda pair: place[id(pair[0])])
        union = _union(pairs, names)
        assert union is not None
        unions.append(union)
    return unions


def _nature(module: Module, names: Mapping[int, str], exact: bool) -> object:
    """What two modules must share to be one part of a class; ``exact`` adds windows, where they make the difference."""
    if isinstance(module, Chain):
        return tuple(_nature(item, names, exact) for item in module.items)
    if isinstance(module, Scope):
        conv = module.parts.get("conv")
        return names[id(module)], _nature(conv.inner, names, exact) if exact and conv is not None else None
    op = module.op
    if exact and isinstance(op, Conv2d | Pool2d):
        return type(op), op.kernel, op.stride, op.padding
    return type(op), op.kind if isinstance(op, Pool2d) else None


def _natures(scope: Scope, names: Mapping[int, str]) -> dict[str, object]:
    exact = isinstance(scope.block, Parallel)
    return {name: (_nature(part.inner, names, exact), len(part.inputs)) for name, part in scope.parts.items()}


def _shape(scope: Scope, names: Mapping[int, str]) -> object:
    natures = _natures(scope, names)
    return scope.output, tuple((name, natures[name], part.inputs) for name, part in scope.parts.items())


def _union(pairs: Sequence[tuple[Scope, Scope]], names: Mapping[int, str]) -> Union | None:
    """The class for all scopes (each with its even form), None where they do not fit together."""
    scopes = [even for _, even in pairs]
    natures = [_natures(scope, names) for scope in scopes]
    order = _order([list(scope.parts) for scope in scopes])
    if order is None:
        return None
    rank = {name: index for index, name in enumerate((INPUT, *order))}
    parts: dict[str, UnionPart] = {}
    for name in order:
        owners = [scope.parts[name] for scope in scopes if name in scope.parts]
        if len({own[name] for own in natures if name in own}) > 1:
            return None
        inputs = tuple(
            max(sources, key=rank.__getitem__) for sources in zip(*[p.inputs for p in owners], strict=True)
        )
        modules = tuple(scope.parts[name].inner if name in scope.parts else None for scope in scopes)
        parts[name] = UnionPart(name, modules, inputs, inputs[-1])
    output = max((scope.output for scope in scopes), key=rank.__getitem__)
    found = _with_fallbacks(parts, output, scopes)
    originals = tuple(scope for scope, _ in pairs)
    return None if found is None else Union(originals[0].kind, originals, found, output)


def _with_fallbacks(
    parts: dict[str, UnionPart], output: str, scopes: Sequence[Scope]
) -> dict[str, UnionPart] | None:
    """``parts`` with a fallback for each that makes every scope right, None where there is none."""
    for repaired in (False, True):
        wrong = False
        for scope in scopes:
            for wanted, came in _reads(parts, output, scope):
                if _resolved(wanted, parts, scope) == came:
                    continue
                wrong = True
                if repaired or wanted in scope.parts or came != INPUT:
                    return None
                parts[wanted] = replace(parts[wanted], fallback=INPUT)
        if not wrong:
            return parts
    return None


def _reads(parts: Mapping[str, UnionPart], output: str, scope: Scope) -> Iterable[tuple[str, str]]:
    """(what the class reads, what the scope reads) at every place of ``scope``."""
    for name, part in scope.parts.items():
        yield from zip(parts[name].inputs, part.inputs, strict=True)
    yield output, scope.output


def _resolved(name: str, parts: Mapping[str, UnionPart], scope: Scope) -> str:
    """What stands for ``name`` in ``scope``, which may not have it."""
    while name != INPUT and name not in scope.parts:
        name = parts[name].fallback
    return name


def _order(orders: Iterable[list[str]]) -> list[str] | None:
    """One order of all names that keeps every given order; None where two of them contradict."""
    merged_order: list[str] = []
    for names in orders:
        place = 0
        for name in names:
            if name in merged_order:
                index = merged_order.index(name)
                if index < place:
                    return None
                place = index + 1
            else:
                merged_order.insert(place, name)
                place += 1
    return merged_order


def _drops(scope: Scope) -> bool:
    """Whether training drops the scope's branch."""
    drop = scope.parts.get("drop_path")
    return drop is not None and isinstance(drop.inner, Leaf) and isinstance(drop.inner.op, StochasticDepth)


def _with_zero_drop_path(scope: Scope) -> Scope:
    """``scope`` with stochastic depth of rate 0 in front of a sum that has none."""
    add = scope.parts.get("add")
    if _drops(scope) or add is None or not isinstance(add.inner, Leaf) or not isinstance(add.inner.op, Add):
        return scope
    parts: dict[str, Part] = {}
    for name, part in scope.parts.items():
        if name == "add":
            drop = Leaf(StochasticDepth(0.0), "", add.inner.shape, add.inner.shape)
            parts["drop_path"] = Part("drop_path", drop, part.inputs[-1:])
            part = replace(part, inputs=(*part.inputs[:-1], "drop_path"))
        parts[name] = part
    return replace(scope, parts=parts)
