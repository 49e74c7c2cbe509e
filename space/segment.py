"""One block lowered at one place: its graph, its output shape, and the digests that make up a network's key.

A block's operations depend only on the block, the shape that enters it and the number of classes, so
each such triple is lowered once per process and remembered. Everything downstream (costs, keys) is
remembered at the same grain: this is what lets a search cost tens of thousands of networks a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from space.blocks import Block
from space.graph import Graph, GraphBuilder
from space.operations import ChannelOrder, Shape


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One block lowered at one place: its graph, its output shape and its digests.

    ``digest`` names the function that the segment computes; ``unordered`` does so up to the order of
    parallel branches. ``order_sensitive`` says that a permutation of the input's channels would change
    the function by more than a relabelling of weights. ``named`` says that the block itself says which others are
    the same function (``Block.canonical``).
    """

    graph: Graph
    shape: Shape
    digest: bytes
    unordered: bytes
    order_sensitive: bool
    named: bool = False

    @property
    def identity(self) -> bool:
        """Whether the segment passes its input on and does nothing else."""
        return self.graph.output == 0 and not self.graph.auxiliaries and not self.named

    def misfits(self, path: str) -> list[str]:
        """Why auxiliary classifiers do not fit, where the segment's block is at ``path``."""
        return [text.replace("layer ", f"layer {path}.", 1) for text in self.graph.misfits]


@lru_cache(maxsize=200_000)
def lower_block(block: Block, shape: Shape, classes: int) -> Segment:
    """Lowers ``block`` for an input of ``shape``. Raises ShapeError naming the layer that does not fit."""
    builder = GraphBuilder(shape, classes)
    graph = builder.graph(block.lower(builder, 0))
    name = block.canonical
    ordered, unordered = (
        (_digest(graph, ordered=True), _digest(graph, ordered=False))
        if name is None
        else (_named_digest(block, name, shape),) * 2
    )
    return Segment(
        graph,
        graph.nodes[graph.output].shape,
        ordered,
        unordered,
        _order_sensitive(graph),
        name is not None,
    )


def _named_digest(block: Block, name: str, shape: Shape) -> bytes:
    """A hash of the name that a block gives its function, for an input of ``shape``."""
    return blake2b(f"{type(block).__name__}|{name}|{shape}".encode(), digest_size=16).digest()


def _digest(graph: Graph, ordered: bool) -> bytes:
    """A hash of what the graph computes: equal graphs up to node order (and branch order) hash equal."""
    names: list[bytes] = []
    for node in graph.nodes:
        sources = [names[i] for i in node.inputs]
        if node.op.commutative or (node.op.concatenates and not ordered):
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
        order = node.op.channel_order
        if order is ChannelOrder.SEEN or (order is ChannelOrder.GROUPED and reads):
            return True
        carries[index] = reads and order is not ChannelOrder.ABSORBED
    return False
