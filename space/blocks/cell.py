"""The searched cell of NAS-Bench-201 (Dong & Yang 2020), and the block that halves the maps between its stages.

A cell is a graph of a few nodes: node 0 is what comes in, the last node is what goes out, and each node sums one
operation on every node before it. The operations stand in the order of the benchmark's strings: those that enter
node 1, then those that enter node 2, each from node 0 on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

from space.blocks.base import Block, add_residual
from space.errors import InputError
from space.graph import GraphBuilder
from space.operations import Add, Pool2d, Zero

NONE, SKIP = "none", "skip_connect"
_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
_WORDS = {NONE: "–", SKIP: "skip", "nor_conv_1x1": "1×1", "nor_conv_3x3": "3×3", "avg_pool_3x3": "avg"}
CELL_OPERATIONS = tuple(_WORDS)
"""What may stand on an edge, in the benchmark's order: nothing, the identity, two convolutions (each a ReLU, the
convolution and a normalisation), and an average over 3×3."""


@dataclass(frozen=True, slots=True)
class Cell(Block):
    """A cell of nodes that sum operations on the nodes before them; it keeps channels and size.

    ``operations`` are names of ``CELL_OPERATIONS``: 6 for four nodes, in the order 0→1, 0→2, 1→2, 0→3, 1→3, 2→3.
    An operation whose result leads nowhere, or that reads node 1 where nothing leads to that, is idle: it runs and
    counts in the costs, as it does in the benchmark's figures, and ``live`` is the cell without it.
    """

    operations: tuple[str, ...]

    widths = ()
    is_layer = True

    def check(self) -> None:
        known = isinstance(self.operations, tuple) and all(o in CELL_OPERATIONS for o in self.operations)
        self._want("operations", known, f"names among {', '.join(CELL_OPERATIONS)}")
        edges = len(self.operations)
        self._want(
            "operations", edges > 0 and isqrt(8 * edges + 1) ** 2 == 8 * edges + 1, "1, 3, 6, 10 … edges"
        )

    @property
    def nodes(self) -> int:
        """The number of nodes, the input included."""
        return (1 + isqrt(8 * len(self.operations) + 1)) // 2

    def edges(self) -> Iterator[tuple[int, int, str]]:
        """(from, to, operation) of each edge, in order."""
        operations = iter(self.operations)
        for target in range(1, self.nodes):
            for source in range(target):
                yield source, target, next(operations)

    @property
    def idle(self) -> tuple[bool, ...]:
        """Whether the operation of each edge has no part in the output; not of edges that hold none."""
        return _idle(self)

    def live(self) -> Cell:
        if not any(self.idle):
            return self
        return Cell(tuple(NONE if idle else o for o, idle in zip(self.operations, self.idle, strict=True)))

    @property
    def canonical(self) -> str:
        """The text by which the benchmark tells cells apart: 6,466 among the 15,625 of four nodes.

        It passes over identities and over operations on node 1 where nothing leads to that, "#", and it sorts the
        terms of a sum as texts. A sum of several "#" is no "#", and other rules of sums are not applied: some cells
        that compute the same have two texts (``to_unique_str`` of D-X-Y/AutoDL-Projects, with ``consider_zero``).
        """
        texts = ["0"]
        terms: list[str] = []
        for source, target, operation in self.edges():
            if operation == NONE or texts[source] == "#":
                terms.append("#")
            else:
                terms.append(texts[source] if operation == SKIP else f"({texts[source]})@{operation}")
            if len(terms) == target:
                texts.append("+".join(sorted(terms)))
                terms = []
        return texts[-1]

    def lower(self, g: GraphBuilder, x: int) -> int:
        values: list[int | None] = [x]
        terms: list[int] = []

        def value(node: int) -> int:
            """The sum at ``node``, where nothing leads to it zeros that are made when they are first wanted."""
            found = values[node]
            if found is None:
                found = values[node] = g.add(Zero(), x, name=f"node{node}")
            return found

        for number, (source, target, operation) in enumerate(self.edges()):
            if operation != NONE:
                empty = source == 1 and self.operations[0] == NONE
                before = value(source) if operation != SKIP or not empty else x
                with g.scope(f"e{number}"):
                    result = _lower_edge(g, before, operation)
                terms += [] if empty else [result]
            if source == target - 1:
                values.append(_sum(g, terms, f"node{target}"))
                terms = []
        return value(self.nodes - 1)

    def words(self) -> tuple[str, ...]:
        ends = [target for _, target, _ in self.edges()]
        by_node = [
            " ".join(_WORDS[o] for o, end in zip(self.operations, ends, strict=True) if end == node)
            for node in range(1, self.nodes)
        ]
        return (f"Cell {' | '.join(by_node)}",)


def _lower_edge(g: GraphBuilder, x: int, operation: str) -> int:
    if operation == SKIP:
        return x
    if operation in _KERNELS:
        x = g.activation(x, "relu")
        return g.norm(g.conv(x, g.channels(x), _KERNELS[operation]))
    return g.add(Pool2d("avg", (3, 3), (1, 1), (1, 1)), x, name="pool")


def _sum(g: GraphBuilder, terms: list[int], name: str) -> int | None:
    """The node of the sum; None of no terms."""
    if len(terms) > 1:
        return g.add(Add(), *terms, name=name)
    return terms[0] if terms else None


@lru_cache(maxsize=20_000)
def _idle(cell: Cell) -> tuple[bool, ...]:
    edges = list(cell.edges())
    empty = 1 if cell.operations[0] == NONE else None
    read = {cell.nodes - 1}
    for source, target, operation in reversed(edges):
        if target in read and operation != NONE and source != empty:
            read.add(source)
    return tuple(o != NONE and (source == empty or target not in read) for source, target, o in edges)


@dataclass(frozen=True, slots=True)
class CellReduction(Block):
    """Halves the map between stages of cells: two 3×3 convolutions, each a ReLU, the convolution and a
    normalisation, beside an average over 2×2 and a 1×1 convolution."""

    out_channels: int

    widths = ("out_channels",)
    is_layer = False

    def check(self) -> None:
        self._positive("out_channels")

    def lower(self, g: GraphBuilder, x: int) -> int:
        branch = x
        for number, stride in ((1, 2), (2, 1)):
            with g.scope(f"conv{number}"):
                branch = g.conv(g.activation(branch, "relu"), self.out_channels, 3, stride=stride)
                branch = g.norm(branch)
        # A convolution of stride 2 rounds odd sizes up, so the average has to.
        odd = any(size % 2 for size in g.shape(x)[1:])
        with g.scope("shortcut"):
            shortcut = g.add(Pool2d("avg", (2, 2), (2, 2), ceil_mode=odd), x, name="pool")
            shortcut = g.conv(shortcut, self.out_channels)
        return add_residual(g, shortcut, branch, 0.0)

    def words(self) -> tuple[str, ...]:
        return ("Cell reduction 3×3", f"width {self.out_channels}", "stride 2")


def cell_from_string(text: str) -> Cell:
    """The cell of a string of the benchmark: ``|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|``.

    Raises InputError for any other text.
    """
    operations: list[str] = []
    for number, node in enumerate(text.split("+"), start=1):
        edges = [edge.partition("~") for edge in node.strip().strip("|").split("|")]
        if [place for _, _, place in edges] != [str(source) for source in range(number)] or any(
            operation not in CELL_OPERATIONS for operation, _, _ in edges
        ):
            wanted = "text such as |nor_conv_3x3~0|+|none~0|skip_connect~1|"
            raise InputError.of("cell", wanted, text)
        operations += [operation for operation, _, _ in edges]
    return Cell(tuple(operations))
