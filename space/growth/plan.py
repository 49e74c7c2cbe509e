"""The plan by which a larger network takes over the function of a smaller one (Chen et al. 2016, "Net2Net").

Wider: a channel of the larger network repeats one of the smaller, and what reads it divides its weights among the
repeats. Deeper: a new layer passes on what comes in. Both follow from the two lowered graphs, so the plan holds for all
blocks there are. More pixels need nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from space.architecture import Architecture
from space.errors import InputError
from space.graph import Graph, Node
from space.growth.blocks import Match, kind, matches, may_lack
from space.growth.bounds import bounds
from space.growth.chains import Bounds
from space.growth.identity import Passing, passing
from space.growth.orders import Orders
from space.growth.pieces import Channels, Piece, Row, flat, groups, whole
from space.lowering import lower
from space.operations import Add, BatchNorm, Concat, Conv2d, LayerNorm, Linear, LocalResponse, Scale


@dataclass(frozen=True, slots=True)
class Note:
    """Why the function is not quite the same, and the operation or block where."""

    why: str
    path: str


@dataclass(frozen=True)
class Growth:
    """How ``larger`` takes over the function of ``smaller``.

    ``twins`` are the operations of the larger graph that repeat one of the smaller, ``origins`` the channel of it that
    each of their channels repeats (−1: none). ``orders`` are for the layers of new blocks, ``added`` the paths of these. The
    function is the same where there are no ``notes``.
    """

    smaller: Graph
    larger: Graph
    twins: Mapping[int, int]
    origins: Mapping[int, tuple[int, ...]]
    orders: Orders
    added: tuple[str, ...]
    notes: tuple[Note, ...]


def growth(
    smaller: Architecture, larger: Architecture, *, seed: int = 0, argument: str = "larger network"
) -> Growth:
    """The plan; the channels that are repeated once more are drawn from ``seed``.

    Raises InputError (``argument``) where the larger network is smaller somewhere, or is no relative: other blocks,
    other kernels, other stages.
    """
    planner = _Planner(lower(smaller), lower(larger), Channels(seed), argument)
    for match in matches(smaller, larger, argument):
        planner.add(match)
    return planner.plan()


@dataclass(slots=True)
class _Planner:
    """Goes through the larger graph, block by block.

    ``rows`` are the channels of each node, ``holds`` the node of the smaller graph whose values it holds.
    """

    smaller: Graph
    larger: Graph
    channels: Channels
    argument: str
    rows: dict[int, Row] = field(default_factory=dict)
    holds: dict[int, int] = field(default_factory=dict)
    twins: dict[int, int] = field(default_factory=dict)
    new: list[tuple[str, int, int]] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _next: int = 1
    _last: int = 0
    _paths: dict[str, int] = field(init=False)
    _bounds: list[Bounds] = field(init=False)

    def __post_init__(self) -> None:
        self._paths = {node.path: i for i, node in enumerate(self.smaller.nodes)}
        self._bounds = bounds(self.larger)
        size = self.larger.nodes[0].shape[0]
        self.rows[0], self.holds[0] = whole(size, size), 0

    def add(self, match: Match) -> None:
        """Goes on with the next block."""
        place, twin = match.larger, match.smaller
        graph = place.segment.graph
        first, source = self._next, self._last
        self._next += len(graph.nodes) - 1
        self._last = source if graph.output == 0 else first + graph.output - 1
        if twin is None and not place.silent:
            self._new_block(place.path, source, self._last)
            return
        run = graph.at_inference()
        for index in range(1, len(graph.nodes)):
            if index in run:
                path = twin and f"{twin.path}.{graph.nodes[index].path}"
                self._node(first + index - 1, self._paths.get(path or ""))

    def plan(self) -> Growth:
        orders: Orders = {}
        if self.holds[self.larger.output] != self._origin(self.smaller.output):
            self._note(
                "RUN ends in a shortcut that the larger network lacks",
                self.larger.nodes[self.larger.output].path,
            )
        for path, source, output in self.new:
            found = self._passing(source, output)
            if found is None or not found.exact:
                self._note("new layers that cannot pass on all that comes in", path)
            if found is not None:
                orders |= found.orders
        origins = {i: self._origins(i) for i in self.rows}
        self._note_neighbours(origins)
        return Growth(
            self.smaller,
            self.larger,
            self.twins,
            origins,
            orders,
            tuple(self.added),
            tuple(dict.fromkeys(self.notes)),
        )

    def _origins(self, node: int) -> tuple[int, ...]:
        return self.channels.origins(self.rows[node])

    def _note(self, why: str, path: str) -> None:
        self.notes.append(Note(why, path))

    def _passing(self, source: int, output: int) -> Passing | None:
        wanted = self._origins(output) if output in self.rows else ()
        return passing(self.larger, source, output, self._origins(source), wanted, self._bounds[source])

    def _origin(self, index: int) -> int:
        """The node of the smaller graph whose values node ``index`` of it passes on."""
        while self.smaller.nodes[index].op.identity_at_inference:
            index = self.smaller.nodes[index].inputs[0]
        return index

    # New blocks.

    def _new_block(self, path: str, source: int, output: int) -> None:
        """A block without a twin holds what comes in; a concatenation has new channels, or the old ones in another order."""
        self.new.append((path, source, output))
        self.added.append(path)
        self.holds[output] = self.holds[source]
        node = self.larger.nodes[output]
        if not isinstance(node.op, Concat):
            if node.shape[0] == self.larger.nodes[source].shape[0]:
                self.rows[output] = self.rows[source]
                return
            wanted = f"new layers that keep their channels (of those in front of {path})"
            raise InputError.of(self.argument, wanted, node.shape[0])
        if source in node.inputs:
            parts = [
                self.rows[source] if i == source else whole(self.larger.nodes[i].shape[0], 0)
                for i in node.inputs
            ]
            self.rows[output] = tuple(piece for part in parts for piece in part)
            return
        found = self._passing(source, output)
        if found is None:
            raise InputError.of(self.argument, "new layers that can pass on what comes in", path)
        piece = Piece(len(found.origins), self.smaller.nodes[self.holds[source]].shape[0], found.origins)
        self.rows[output] = ((piece, 0),)

    # Blocks with a twin.

    def _node(self, index: int, twin: int | None) -> None:
        """Node ``index`` of a block, and the node at its place in the block's twin."""
        node = self.larger.nodes[index]
        if node.op.identity_at_inference:
            self.rows[index], self.holds[index] = self.rows[node.inputs[0]], self.holds[node.inputs[0]]
            return
        if twin is None:
            self._without_twin(index, node)
            return
        other = self.smaller.nodes[twin]
        if kind(node.op) != kind(other.op):
            raise InputError.of(self.argument, f"{other.op.words} at {node.path} as in RUN", node.op.words)
        if node.shape[0] < other.shape[0]:
            wanted = f"at least the {other.shape[0]} channels that {other.path} has in RUN"
            raise InputError.of(self.argument, wanted, node.shape[0])
        if [self.holds[i] for i in node.inputs] != [self._origin(i) for i in other.inputs]:
            self._note("RUN has a shortcut in front that the larger network lacks", node.path)
        self.twins[index], self.holds[index] = twin, twin
        self.rows[index] = self._row(node, other)

    def _without_twin(self, index: int, node: Node) -> None:
        """A shortcut that RUN does not have: a projection that passes on, or a sum."""
        if not may_lack(node.path):
            raise InputError.of(self.argument, "the operations of RUN's blocks", node.path)
        source = node.inputs[-1] if isinstance(node.op, Add) else node.inputs[0]
        self.holds[index] = self.holds[source]
        if isinstance(node.op, Conv2d):
            self.rows[index] = whole(
                node.shape[0], sum(piece.smaller for piece, _ in flat(self.rows[source]))
            )
            self.new.append((node.path, source, index))
        elif isinstance(node.op, BatchNorm):
            self.rows[index] = self.rows[source]
            self.new.append((node.path, source, index))
        else:
            self.rows[index] = self.rows[source]
            self._note("shortcuts that RUN does not have", node.path)

    def _row(self, node: Node, other: Node) -> Row:
        """The channels of a node from those that it reads; rows that must agree are merged."""
        rows = [self.rows[i] for i in node.inputs]
        match node.op, other.op:
            case Conv2d() as op, Conv2d() as before:
                return self._convolved(node, op, before, rows[0])
            case Linear() as op, Linear() as before:
                return whole(op.out_features, before.out_features)
            case Concat(), _:
                starts = [0]
                for i in other.inputs:
                    starts.append(starts[-1] + self.smaller.nodes[i].shape[0])
                shifted = zip(rows, starts, strict=False)
                return tuple((piece, begin + start) for row, start in shifted for piece, begin in row)
            case ((Add() | Scale()), _):
                for row in rows[1:]:
                    if not self.channels.merge(rows[0], row):
                        self._note("sums of channels that grow otherwise", node.path)
        return rows[0]

    def _convolved(self, node: Node, op: Conv2d, before: Conv2d, read: Row) -> Row:
        if op.groups == 1 and before.groups == 1:
            return whole(op.out_channels, before.out_channels)
        if op.groups > 1 and before.groups == 1 and before.in_channels > 1:
            raise InputError.of(self.argument, f"one group at {node.path} as in RUN", op.groups)
        one_each = op.depthwise and before.depthwise
        if one_each and op.in_channels == op.out_channels and before.in_channels == before.out_channels:
            return read
        same_size = (
            op.in_channels // op.groups == before.in_channels // before.groups
            and op.out_channels // op.groups == before.out_channels // before.groups
        )
        if op.groups != before.groups and not (same_size and op.groups > before.groups):
            # Weights that are not at hand are found missing when the network is made.
            return whole(op.out_channels, before.out_channels)
        sources = [q % before.groups for q in range(op.groups)]
        if not self.channels.merge(groups(op.in_channels, before.in_channels, sources, before.groups), read):
            self._note("groups that the channels in front do not follow", node.path)
        return groups(op.out_channels, before.out_channels, sources, before.groups)

    def _note_neighbours(self, origins: Mapping[int, tuple[int, ...]]) -> None:
        """Notes normalisations over channels, whose statistics change where these are not repeated equally often."""
        for index, twin in self.twins.items():
            node, count = self.larger.nodes[index], self.smaller.nodes[twin].shape[0]
            repeats = {origins[index].count(origin) for origin in range(count)}
            if isinstance(node.op, LayerNorm) and (len(repeats) > 1 or -1 in origins[index]):
                self._note("normalisation over channels, not all of them repeated equally often", node.path)
            if isinstance(node.op, LocalResponse) and len(origins[index]) != count:
                self._note("normalisation over neighbouring channels", node.path)
