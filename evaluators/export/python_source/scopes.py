"""The tree of modules in a lowered network: which operations a person would put into one class.

A block's graph has dotted paths (``expand.conv``). A scope (``expand``) whose operations read one value and give
one becomes a module of its own. One that does not, or that starts with a normalisation, is written out in its block, as
pre-activated blocks usually are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from space.architecture import Architecture
from space.blocks import Block, Parallel
from space.graph import Graph
from space.operations import (
    Activation,
    BatchNorm,
    Conv2d,
    LayerNorm,
    LayerScale,
    Linear,
    Operation,
    Shape,
)

INPUT = "x"
"""The name of what enters a scope."""

CONV_NORM_ACT, CONV_ACT, ACT_CONV_NORM = "ConvNormAct", "ConvAct", "ActConvNorm"
SQUEEZE_EXCITE = "SqueezeExcite"
_FEW = 2
"""So many operations in a row make no class."""
_CLASS_NAMES = {
    "Basic": "BasicBlock",
    "ConvNeXt": "ConvNeXtBlock",
    "Parallel": "Inception",
    "se": SQUEEZE_EXCITE,
}
_STATE: dict[type[Operation], tuple[str, ...]] = {
    Conv2d: ("weight", "bias"),
    Linear: ("weight", "bias"),
    BatchNorm: ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
    LayerNorm: ("weight", "bias"),
    LayerScale: ("weight",),
}


@dataclass(frozen=True, eq=False)
class Leaf:
    """One operation; ``path`` is its place in the network that nascale builds."""

    op: Operation
    path: str
    entry: Shape
    shape: Shape

    def state(self) -> Iterator[str]:
        """The names of its parameters and buffers."""
        for name in _STATE.get(type(self.op), ()):
            if name != "bias" or not isinstance(self.op, Conv2d | Linear) or self.op.bias:
                yield name


@dataclass(frozen=True, eq=False)
class Chain:
    """Modules one after the other: an ``nn.Sequential``."""

    items: tuple[Module, ...]

    @property
    def entry(self) -> Shape:
        return self.items[0].entry

    @property
    def shape(self) -> Shape:
        return self.items[-1].shape


@dataclass(frozen=True, eq=False)
class Part:
    """A module under its name in a scope, and the names of what it reads."""

    name: str
    inner: Module
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Scope:
    """A module of its own: its parts in order of execution. ``kind`` is what its class will be called.

    ``block`` is the block that it is, None for a scope inside one.
    """

    kind: str
    block: Block | None
    parts: Mapping[str, Part]
    output: str
    entry: Shape
    shape: Shape

    @property
    def is_chain(self) -> bool:
        """Whether each part reads the one before it and nothing else."""
        before = INPUT
        for part in self.parts.values():
            if part.inputs != (before,):
                return False
            before = part.name
        return self.output == before


Module = Leaf | Chain | Scope


def network_chains(architecture: Architecture) -> dict[str, Chain]:
    """The children of the network by name: ``stem``, ``stages`` (a chain of chains) and ``head``; empty ones left out."""
    modules: dict[str, list[Module]] = {}
    for path, block, segment in architecture.segments():
        place = path.rsplit(".", 1)[0]
        modules.setdefault(place, []).extend(_Reader(segment.graph, path).modules(block))
    chains = {place: Chain(tuple(items)) for place, items in modules.items() if items}
    stages = tuple(chain for place, chain in chains.items() if place.startswith("stages."))
    found: dict[str, Chain] = {}
    for place, chain in chains.items():
        if place in ("stem", "head"):
            found[place] = chain
        elif "stages" not in found:
            found["stages"] = Chain(stages)
    return found


def inner_scopes(module: Module) -> Iterator[Scope]:
    """Every scope in ``module``, those inside others first."""
    if isinstance(module, Chain):
        for item in module.items:
            yield from inner_scopes(item)
    elif isinstance(module, Scope):
        for part in module.parts.values():
            yield from inner_scopes(part.inner)
        yield module


@dataclass(frozen=True)
class _Reader:
    """Reads the graph of one block at ``path``."""

    graph: Graph
    path: str
    needed: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "needed", frozenset(self.graph.needed_for(self.graph.output)))

    def modules(self, block: Block) -> list[Module]:
        members = [i for i in range(1, len(self.graph.nodes)) if i in self.needed]
        return self._block_modules(block, members, 0, 0) if members else []

    def _block_modules(self, block: Block, members: list[int], depth: int, entry: int) -> list[Module]:
        """A block as modules to stand in a chain: a scope, or its operations where they are few and in a row."""
        scope = self._scope(type(block).__name__, block, members, depth, entry)
        parts = list(scope.parts.values())
        if len(parts) == 1 and isinstance(parts[0].inner, Scope) and parts[0].inner.kind == scope.kind:
            return [parts[0].inner]
        leaves = [part.inner for part in parts if isinstance(part.inner, Leaf)]
        plain = scope.is_chain and len(leaves) == len(parts) and scope.kind not in (CONV_NORM_ACT, CONV_ACT)
        few = len(leaves) <= _FEW or any(isinstance(leaf.op, Linear) for leaf in leaves)
        return list(leaves) if plain and few else [scope]

    def _scope(self, name: str, block: Block | None, members: list[int], depth: int, entry: int) -> Scope:
        values = {entry: INPUT}
        parts: dict[str, Part] = {}
        self._add_parts(parts, values, block, members, depth, "")
        output = members[-1]
        pattern = _pattern([part.inner for part in parts.values()])
        kind = pattern or _CLASS_NAMES.get(name) or _title(name)
        entered, left = self.graph.nodes[entry].shape, self.graph.nodes[output].shape
        return Scope(kind, None if pattern else block, parts, values[output], entered, left)

    def _add_parts(
        self,
        parts: dict[str, Part],
        values: dict[int, str],
        block: Block | None,
        members: list[int],
        depth: int,
        number: str,
    ) -> None:
        """Adds the children of ``members`` at ``depth`` of their paths; ``number`` goes behind the names of layers."""
        for name, group in self._children(members, depth).items():
            first = self.graph.nodes[group[0]]
            if len(self._names(group[0])) == depth + 1:
                own = _numbered(name, number)
                sources = tuple(values[i] for i in first.inputs)
                parts[own] = Part(own, self._leaf(group[0]), sources)
                values[group[0]] = own
                continue
            outside = {i for m in group for i in self.graph.nodes[m].inputs} - set(group)
            if self._names(group[0])[depth + 1].isdigit():
                inner: Module = self._branch(block, name, group, depth + 1)
            elif len(outside) == 1 and self._read_outside(group) == {group[-1]} and not _is_norm(first.op):
                inner = self._scope(name, None, group, depth + 1, next(iter(outside)))
                if len(inner.parts) == 1:
                    inner = next(iter(inner.parts.values())).inner
            else:
                self._add_parts(
                    parts, values, block, group, depth + 1, name.lstrip("abcdefghijklmnopqrstuvwxyz")
                )
                continue
            parts[name] = Part(name, inner, (values[next(iter(outside))],))
            values[group[-1]] = name

    def _branch(self, block: Block | None, name: str, members: list[int], depth: int) -> Module:
        """The blocks of one branch of a ``Parallel``, in a row."""
        assert isinstance(block, Parallel)
        chain = block.branches[int(name.removeprefix("branch")) - 1]
        items: list[Module] = []
        for index, group in self._children(members, depth).items():
            outside = {i for m in group for i in self.graph.nodes[m].inputs} - set(group)
            items += self._block_modules(chain[int(index)], group, depth + 1, next(iter(outside)))
        return items[0] if len(items) == 1 else Chain(tuple(items))

    def _names(self, index: int) -> list[str]:
        return self.graph.nodes[index].path.split(".")

    def _children(self, members: list[int], depth: int) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        for index in members:
            groups.setdefault(self._names(index)[depth], []).append(index)
        return groups

    def _read_outside(self, group: list[int]) -> set[int]:
        inside = set(group)
        readers = {s for i in self.needed - inside for s in self.graph.nodes[i].inputs} & inside
        return readers | ({self.graph.output} & inside)

    def _leaf(self, index: int) -> Leaf:
        node = self.graph.nodes[index]
        return Leaf(node.op, f"{self.path}.{node.path}", self.graph.nodes[node.inputs[0]].shape, node.shape)


def _pattern(modules: list[Module]) -> str | None:
    """The name of a row of operations that occurs all over: a convolution with what follows it."""
    kinds = [type(module.op) if isinstance(module, Leaf) else None for module in modules]
    if kinds in ([Conv2d, BatchNorm, Activation], [Conv2d, BatchNorm]):
        return CONV_NORM_ACT
    if kinds == [Activation, Conv2d, BatchNorm]:
        return ACT_CONV_NORM
    return CONV_ACT if kinds == [Conv2d, Activation] else None


def _title(name: str) -> str:
    """``drop_path`` → ``DropPath``; names with capitals stay."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def _is_norm(op: Operation) -> bool:
    return isinstance(op, BatchNorm | LayerNorm)


def _numbered(name: str, number: str) -> str:
    """The name of a layer in a scope that is written out: ``conv1.norm`` → ``norm1``, ``conv1.shortcut`` → ``shortcut``."""
    return f"{name}{number}" if name in ("conv", "norm", "act") else name
