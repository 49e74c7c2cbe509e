"""Architecture → graph of primitive operations, one block at a time.

A block's operations depend only on the block, the shape that enters it and the number of classes, so
each such triple is lowered once per process and remembered. Everything downstream (costs, keys) is
remembered at the same grain: this is what lets a search cost tens of thousands of networks a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from space.blocks import Block
from space.errors import ShapeError
from space.graph import (
    Add,
    Concat,
    Conv2d,
    Graph,
    GraphBuilder,
    Input,
    LocalResponse,
    Node,
    Shape,
)

if TYPE_CHECKING:
    from space.architecture import Architecture


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One block lowered at one place: its graph, its output shape and its digests.

    ``digest`` names the function that the segment computes; ``unordered`` does so up to the order of
    parallel branches. ``order_sensitive`` says that a permutation of the input's channels would change
    the function by more than a relabelling of weights.
    """

    graph: Graph
    shape: Shape
    digest: bytes
    unordered: bytes
    order_sensitive: bool

    @property
    def identity(self) -> bool:
        """Whether the segment passes its input on and does nothing else."""
        return self.graph.output == 0 and not self.graph.auxiliaries


@lru_cache(maxsize=200_000)
def lower_block(block: Block, shape: Shape, classes: int) -> Segment:
    """Lowers ``block`` for an input of ``shape``. Raises ShapeError naming the layer that does not fit."""
    builder = GraphBuilder(shape, classes)
    graph = builder.graph(block.lower(builder, 0))
    return Segment(
        graph,
        graph.nodes[graph.output].shape,
        _digest(graph, ordered=True),
        _digest(graph, ordered=False),
        _order_sensitive(graph),
    )


def segments(architecture: Architecture) -> Iterator[tuple[str, Block, Segment]]:
    """The blocks of ``architecture`` in order, each with its path and its segment."""
    shape: Shape = (architecture.in_channels, architecture.resolution, architecture.resolution)
    for path, block in architecture.named_blocks():
        try:
            segment = lower_block(block, shape, architecture.classes)
        except ShapeError as error:
            raise ShapeError(str(error).replace("layer ", f"layer {path}.", 1)) from None
        yield path, block, segment
        shape = segment.shape


def lower(architecture: Architecture) -> Graph:
    """The whole network as one graph, auxiliary classifiers included; node paths are ``stages.1.0.expand.conv``."""
    size = architecture.resolution
    shape = (architecture.in_channels, size, size)
    nodes = [Node(Input(shape), (), shape, "input")]
    auxiliaries: list[tuple[int, float]] = []
    last = 0
    for path, _, segment in architecture.segments():
        place = {0: last}
        for index, node in enumerate(segment.graph.nodes[1:], start=1):
            place[index] = len(nodes)
            nodes.append(
                replace(node, inputs=tuple(place[i] for i in node.inputs), path=f"{path}.{node.path}")
            )
        auxiliaries += [(place[i], weight) for i, weight in segment.graph.auxiliaries]
        last = place[segment.graph.output]
    return Graph(tuple(nodes), last, tuple(auxiliaries))


def _digest(graph: Graph, ordered: bool) -> bytes:
    """A hash of what the graph computes: equal graphs up to node order (and branch order) hash equal."""
    names: list[bytes] = []
    for node in graph.nodes:
        sources = [names[i] for i in node.inputs]
        if isinstance(node.op, Add) or (isinstance(node.op, Concat) and not ordered):
            sources.sort()
        text = repr(node.op).encode()
        names.append(blake2b(text + b"|" + b",".join(sources), digest_size=16).digest())
    tail = b"".join(names[i] + repr(weight).encode() for i, weight in graph.auxiliaries)
    return blake2b(names[graph.output] + tail, digest_size=16).digest()


def _order_sensitive(graph: Graph) -> bool:
    """Whether permuting the input's channels is more than a relabelling.

    Normalisation across channels sees their order, and a grouped convolution that reads the input (not
    through a dense one) sees which channels share a group. A depthwise convolution only moves along.
    """
    carries = [False] * len(graph.nodes)
    carries[0] = True
    for index, node in enumerate(graph.nodes[1:], start=1):
        reads = any(carries[i] for i in node.inputs)
        op = node.op
        if isinstance(op, LocalResponse):
            return True
        if isinstance(op, Conv2d):
            if op.groups == 1:
                continue
            if reads and not op.depthwise:
                return True
        carries[index] = reads
    return False
